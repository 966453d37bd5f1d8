package emulator

import (
	"net/http"
	"sync"
	"sync/atomic"
)

// Status is the status of a project in the Management API.
type Status string

// The statuses of a project, all that the API's description names.
const (
	StatusActiveHealthy   Status = "ACTIVE_HEALTHY"
	StatusActiveUnhealthy Status = "ACTIVE_UNHEALTHY"
	StatusComingUp        Status = "COMING_UP"
	StatusGoingDown       Status = "GOING_DOWN"
	// StatusInactive is a paused project. Its Storage and Auth answer 540 and
	// its list of API keys is empty.
	StatusInactive   Status = "INACTIVE"
	StatusInitFailed Status = "INIT_FAILED"
	StatusPausing    Status = "PAUSING"
	// StatusRemoved is a project that was deleted. The Management API answers
	// 400 "Resource has been removed", Storage and Auth the gateway's 522.
	StatusRemoved       Status = "REMOVED"
	StatusPauseFailed   Status = "PAUSE_FAILED"
	StatusResizing      Status = "RESIZING"
	StatusRestarting    Status = "RESTARTING"
	StatusRestoreFailed Status = "RESTORE_FAILED"
	StatusRestoring     Status = "RESTORING"
	StatusUnknown       Status = "UNKNOWN"
	StatusUpgrading     Status = "UPGRADING"
)

// Health is the health of one service of a project in the Management API.
type Health string

// The healths of a service.
const (
	HealthActive    Health = "ACTIVE_HEALTHY"
	HealthComingUp  Health = "COMING_UP"
	HealthUnhealthy Health = "UNHEALTHY"
)

// LegacyKeys is the state of the project's legacy keys, the JWTs anon and
// service_role.
type LegacyKeys int

const (
	// LegacyEnabled is a project whose legacy keys are used.
	LegacyEnabled LegacyKeys = iota
	// LegacyDisabled is a project whose owner switched them off: they are
	// still listed, but the gateway refuses them: as the apikey of a request, and as
	// its token over REST. The tokens of users stay valid. Storage, which knows only
	// the JWT secret, still accepts the keys over S3.
	LegacyDisabled
	// LegacyNone is a project without legacy keys: they are not listed, and the
	// anon key is not accepted as a secret for S3 either.
	LegacyNone
)

// Project is the part of a project that can change while it is in use.
type Project struct {
	// Name is the project's name. Default: "Local emulator".
	Name string
	// Region is initially the region of [Options]. Storage signs with it.
	Region string
	// Status is [StatusActiveHealthy] at first.
	Status Status
	// StorageHealth is the health of Storage; empty, it follows from Status.
	StorageHealth Health
	// StorageError goes with a StorageHealth that is not [HealthActive].
	StorageError string
	// LegacyKeys is [LegacyEnabled] at first.
	LegacyKeys LegacyKeys
	// Branch says that the project is a preview branch of another.
	Branch bool
}

// snapshot is the project at one moment. It never changes, so tokens that were
// verified with different secrets never mix.
type snapshot struct {
	state Project
	// created is when the project was made, as the Management API writes it.
	created   string
	settings  Settings
	jwtSecret []byte
	// internal are the tokens that the gateway puts in place of API keys, by role.
	// They go on working when the legacy keys are switched off.
	internal map[string]string
	// moreSecrets are the secret keys in addition to the one of settings.
	moreSecrets []string
	// tokens were verified with jwtSecret.
	tokens *tokenCache
}

// holder holds the current snapshot.
type holder struct {
	mu  sync.Mutex
	now atomic.Pointer[snapshot]
}

func (h *holder) load() *snapshot { return h.now.Load() }

// change replaces the snapshot by a changed copy and returns it.
func (h *holder) change(f func(*snapshot)) *snapshot {
	h.mu.Lock()
	defer h.mu.Unlock()
	next := *h.now.Load()
	f(&next)
	next.settings.Region = next.state.Region
	h.now.Store(&next)
	return &next
}

// Project returns the project's state.
func (s *Server) Project() Project { return s.project.load().state }

// SetProject calls change on the project's state. The new state applies to every
// request that is authenticated from then on.
func (s *Server) SetProject(change func(*Project)) {
	s.project.change(func(p *snapshot) { change(&p.state) })
}

// SetStatus changes the status of the project alone: [StatusInactive] pauses it,
// [StatusActiveHealthy] brings it back.
func (s *Server) SetStatus(status Status) {
	s.SetProject(func(p *Project) { p.Status = status })
}

// storageHealth is the health of Storage.
func (p *Project) storageHealth() Health {
	if p.StorageHealth != "" {
		return p.StorageHealth
	}
	return p.health()
}

// health is the health of a service without a health of its own.
func (p *Project) health() Health {
	switch p.Status {
	case StatusActiveHealthy, StatusActiveUnhealthy:
		return HealthActive
	case StatusComingUp, StatusRestoring, StatusRestarting, StatusUpgrading, StatusResizing:
		return HealthComingUp
	}
	return HealthUnhealthy
}

// unreachable answers for a paused or removed project, and reports whether it did.
// The gateway gives this answer, since the project's own services do not run.
func (x *exchange) unreachable() bool {
	if x.surface == surfaceManagement {
		return false
	}
	switch x.s.project.load().state.Status {
	case StatusInactive:
		x.w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		x.send(statusPaused, blob("Project paused\n"), 0, int64(len("Project paused\n")))
	case StatusRemoved:
		x.gatewayPage(statusUnreachable)
	default:
		return false
	}
	return true
}

// Statuses of the gateway that net/http does not know.
const (
	statusPaused      = 540
	statusUnreachable = 522
)

func statusText(status int) string {
	switch status {
	case statusPaused:
		return "Project Paused"
	case statusUnreachable:
		return "Connection timed out"
	}
	return http.StatusText(status)
}
