package health

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/seed75cbcda6/supabase-storage/cmd/supabase-connect/internal/terminal"
)

const (
	// maxAnswer is how much of an answer is read: a pipeline's is some hundred
	// bytes for each input and output.
	maxAnswer = 64 << 10
	// maxShown is how much of one text of an answer is shown.
	maxShown = 300
)

// readiness is what /ready answers for one pipeline. In streams mode it answers
// a line of text.
type readiness struct {
	Error    string `json:"error"`
	Statuses []struct {
		Label     string `json:"label"`
		Path      string `json:"path"`
		Connected bool   `json:"connected"`
		Error     string `json:"error"`
	} `json:"statuses"`
}

// client asks the pipeline itself: not through the proxy that its downloads take, and
// not where somebody else points to, such as a page for signing in.
var client = &http.Client{
	Transport:     &http.Transport{DisableKeepAlives: true},
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
}

// ask requests a URL, and returns nil if the pipeline there is connected, and
// otherwise an error that says what is not.
func ask(ctx context.Context, where *url.URL, timeout time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, where.String(), http.NoBody)
	if err != nil {
		return fmt.Errorf("%s: %w", where.Redacted(), err)
	}
	resp, err := client.Do(req)
	if err != nil {
		if errors.Is(err, context.DeadlineExceeded) {
			return fmt.Errorf("%s did not answer within %v", where.Redacted(), timeout)
		}
		if at, ok := errors.AsType[*url.Error](err); ok { // it repeats method and URL
			err = at.Err
		}
		return fmt.Errorf("%s does not answer: %w; is a pipeline running, with http.address set to this address?", where.Redacted(), err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	status := shown(resp.Status) // its text is the server's to choose
	switch {
	case resp.StatusCode == http.StatusOK:
		return nil
	case err != nil:
		return fmt.Errorf("%s answers with %s, and then: %w", where.Redacted(), status, err)
	case resp.StatusCode == http.StatusUnauthorized:
		return fmt.Errorf("%s answers with %s; write user and password of http.basic_auth into the URL", where.Redacted(), status)
	case resp.Header.Get("Location") != "":
		return fmt.Errorf("%s answers with %s and points to %s; a pipeline does not: write its own address", where.Redacted(), status, shown(resp.Header.Get("Location")))
	case resp.StatusCode == http.StatusNotFound:
		return fmt.Errorf("%s answers with %s; is it the address of a pipeline, which serves /ready?", where.Redacted(), status)
	}
	return fmt.Errorf("%s answers with %s: %s", where.Redacted(), status, reasons(body))
}

// reasons is what an answer says is not connected.
func reasons(body []byte) string {
	var answer readiness
	if json.Unmarshal(body, &answer) != nil {
		if text := strings.TrimSpace(string(body)); text != "" {
			return shown(text)
		}
		return "no reason given"
	}
	var texts []string
	if answer.Error != "" {
		texts = append(texts, shown(answer.Error))
	}
	for _, s := range answer.Statuses {
		if s.Connected {
			continue
		}
		text := shown(s.Path) + " is not connected"
		if s.Label != "" {
			text = shown(s.Label) + " (" + shown(s.Path) + ") is not connected"
		}
		if s.Error != "" {
			text += ": " + shown(s.Error)
		}
		texts = append(texts, text)
	}
	if len(texts) == 0 {
		return "no reason given"
	}
	return strings.Join(texts, "; ")
}

func shown(text string) string {
	if len(text) > maxShown {
		text = strings.ToValidUTF8(text[:maxShown], "") + " ..."
	}
	return terminal.Printable(text)
}
