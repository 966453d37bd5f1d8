package input

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/redpanda-data/benthos/v4/public/service"

	"github.com/seed75cbcda6/supabase-storage/input/internal/ledger"
	"github.com/seed75cbcda6/supabase-storage/input/internal/schedule"
)

// stateConfig says where the ledger is kept: in the file at path, in the cache
// resource called cache, or, if both are "", in memory.
type stateConfig struct {
	path, cache string
	// namespace is "" where the label of the input is to be used.
	namespace string
}

// set reports whether the ledger is to outlive the process.
func (s stateConfig) set() bool { return s.path != "" || s.cache != "" }

// readSync reads when to read, and what is remembered from one pass to the
// next.
func (c *config) readSync(pConf *service.ParsedConfig) (err error) {
	if c.syncMode, err = fieldAs(pConf, parseSyncMode, ssFieldSyncMode); err != nil {
		return err
	}
	if c.plan, err = planFromParsed(pConf, c.syncMode); err != nil {
		return err
	}
	if c.state, err = stateFromParsed(pConf); err != nil {
		return err
	}
	if c.identity, err = fieldAs(pConf, parseChangeDetection, ssFieldChangeDetection); err != nil {
		return err
	}
	if c.fullSweepInterval, err = fieldAs(pConf, parseDuration, ssFieldFullSweepInterval); err != nil {
		return err
	}
	if c.emitDeletes, err = fieldAs(pConf, parseBool, ssFieldEmitDeletes); err != nil {
		return err
	}
	if pConf.Contains(ssFieldMaxDeleteRatio) {
		if c.maxDeleteRatio, err = fieldAs(pConf, parseOptionalRatio, ssFieldMaxDeleteRatio); err != nil {
			return err
		}
	}
	return checkEmitDeletes(c.emitDeletes, c.syncMode, c.state.set())
}

func planFromParsed(pConf *service.ParsedConfig, mode string) (schedule.Plan, error) {
	interval, err := fieldAs(pConf, parsePollingInterval, ssFieldPollingInterval)
	if err != nil {
		return schedule.Plan{}, err
	}
	var expression string
	if pConf.Contains(ssFieldSchedule) {
		if expression, err = pConf.FieldString(ssFieldSchedule); err != nil {
			return schedule.Plan{}, fmt.Errorf("%s: %w", ssFieldSchedule, err)
		}
	}
	if expression != "" {
		if err := checkSchedule(mode); err != nil {
			return schedule.Plan{}, err
		}
		return fieldAs(pConf, parseSchedule, ssFieldSchedule)
	}
	switch mode {
	case syncModeContinuous:
		return schedule.After(interval), nil
	case syncModeScheduled:
		return schedule.Every(interval), nil
	}
	return schedule.Once(), nil
}

func stateFromParsed(pConf *service.ParsedConfig) (s stateConfig, err error) {
	if !pConf.Contains(ssFieldState) {
		return s, nil
	}
	for _, f := range []struct {
		to   *string
		name string
	}{
		{&s.path, ssFieldStatePath}, {&s.cache, ssFieldStateCache}, {&s.namespace, ssFieldStateNamespace},
	} {
		if !pConf.Contains(ssFieldState, f.name) {
			continue
		}
		if *f.to, err = pConf.FieldString(ssFieldState, f.name); err != nil {
			return stateConfig{}, fmt.Errorf("%s.%s: %w", ssFieldState, f.name, err)
		}
	}
	return s, checkPlaces(s.path, s.cache)
}

// checkPlaces checks that a state that is written has one place. Without one it
// is not left out in silence: the next start would deliver everything again.
func checkPlaces(path, cache string) error {
	switch {
	case path != "" && cache != "":
		return errors.New("state.cache: is set together with state.path; keep one of them")
	case path == "" && cache == "":
		return errors.New("state.path: is missing, and so is state.cache; write the path of a file, or the name of a cache resource, or remove state")
	}
	return nil
}

// checkState checks what a configuration cannot tell by itself: that the cache
// resource of the state exists.
func checkState(conf config, res *service.Resources) error {
	if name := conf.state.cache; name != "" && !res.HasCache(name) {
		return fmt.Errorf("%s: there is no cache resource %q; add one with this label under cache_resources, or write the label of another",
			conf.state.field(), name)
	}
	return nil
}

// checkSchedule checks that a schedule is in a mode that has use for it.
func checkSchedule(mode string) error {
	if mode == syncModeScheduled {
		return nil
	}
	return fmt.Errorf("%s: is not used by the sync_mode %s; write sync_mode: %s, or remove it", ssFieldSchedule, mode, syncModeScheduled)
}

// checkEmitDeletes checks that something is remembered that can be missed.
func checkEmitDeletes(emit bool, mode string, state bool) error {
	if !emit || state || mode != syncModeOneTime {
		return nil
	}
	return fmt.Errorf("%s: a single pass that remembers nothing cannot tell what is gone; add %s, or write sync_mode: %s or %s",
		ssFieldEmitDeletes, ssFieldState, syncModeContinuous, syncModeScheduled)
}

// parseSyncMode reads sync_mode, in any case since Benthos lints it so.
func parseSyncMode(v any) (string, error) {
	text := valueText(v)
	switch mode := strings.ToLower(text); mode {
	case syncModeOneTime, syncModeContinuous, syncModeScheduled:
		return mode, nil
	}
	return "", fmt.Errorf("%q is not a mode; write %s, %s or %s", text, syncModeOneTime, syncModeContinuous, syncModeScheduled)
}

// minPollingInterval keeps a slip of the unit from asking the project's
// database without a pause.
const minPollingInterval = time.Second

// parsePollingInterval reads polling_interval.
func parsePollingInterval(v any) (time.Duration, error) {
	d, err := parseDuration(v)
	if err == nil && d < minPollingInterval {
		err = fmt.Errorf("%q is less than a second; write at least 1s", valueText(v))
	}
	return d, err
}

// parseSchedule reads a schedule that is not empty.
func parseSchedule(v any) (schedule.Plan, error) { return schedule.Cron(valueText(v)) }

// parseChangeDetection reads change_detection, in any case since Benthos lints
// it so.
func parseChangeDetection(v any) (ledger.ChangeDetection, error) {
	text := valueText(v)
	switch strings.ToLower(text) {
	case changesByETag:
		return ledger.ByETag, nil
	case changesByModified:
		return ledger.ByModified, nil
	}
	return 0, fmt.Errorf("%q is not a way to detect changes; write %s or %s", text, changesByETag, changesByModified)
}

// parseOptionalRatio is parseRatio where nothing is 0.
func parseOptionalRatio(v any) (float64, error) {
	if valueText(v) == "" {
		return 0, nil
	}
	return parseRatio(v)
}

// parseRatio reads a part of a whole: more than 0, at most 1.
func parseRatio(v any) (float64, error) {
	text := valueText(v)
	ratio, err := strconv.ParseFloat(text, 64)
	if err != nil || math.IsNaN(ratio) || ratio <= 0 || ratio > 1 {
		return 0, fmt.Errorf("%q is not a part between 0 and 1; write a number such as 0.5, or 1 for no limit", text)
	}
	return ratio, nil
}

// parseListers reads concurrency.max_listers.
func parseListers(v any) (int, error) { return parseInt(v, 0, 64) }
