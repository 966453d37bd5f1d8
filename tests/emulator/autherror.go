package emulator

import (
	"net/http"
	"time"
)

// authVersion is the header by which a client of Auth chooses the form of errors,
// and the version that introduced the newer form.
const (
	authVersionHeader = "X-Supabase-Api-Version"
	authVersion       = "2024-01-01"
)

// authByStatus are the usual answers of Auth for each status.
var authByStatus = map[int]*failure{
	http.StatusBadRequest: failCredentials,
	http.StatusTooManyRequests: {
		http.StatusTooManyRequests, "over_request_rate_limit", "Request rate limit reached", "",
	},
	http.StatusInternalServerError: {
		http.StatusInternalServerError, "unexpected_failure",
		"Unexpected failure, please check server logs for more information", "",
	},
	http.StatusGatewayTimeout: {
		http.StatusGatewayTimeout, "request_timeout", "Processing this request timed out, please retry after a moment.", "",
	},
}

// failAuth writes an error of Auth in the form that the client asked for.
func (x *exchange) failAuth(f *failure) {
	switch {
	case x.s.oldAuth && f.legacy != "":
		x.sendMarshalled(f.status, struct {
			Error       string `json:"error"`
			Description string `json:"error_description"`
		}{f.legacy, f.message})
		return
	case x.s.oldAuth:
		x.sendMarshalled(f.status, struct {
			Code    int    `json:"code"`
			Message string `json:"msg"`
		}{f.status, f.message})
		return
	}
	x.w.Header().Set("X-Sb-Error-Code", f.code)
	if x.wantsNewErrors() {
		x.w.Header().Set(authVersionHeader, authVersion)
		x.sendMarshalled(f.status, struct {
			Code    string `json:"code"`
			Message string `json:"message"`
		}{f.code, f.message})
		return
	}
	var id string
	if f.status >= http.StatusInternalServerError {
		id = randomID()
	}
	x.sendMarshalled(f.status, struct {
		Status  int    `json:"code"`
		Code    string `json:"error_code"`
		Message string `json:"msg"`
		ID      string `json:"error_id,omitempty"`
	}{f.status, f.code, f.message, id})
}

func (x *exchange) wantsNewErrors() bool {
	asked, err := time.Parse(time.DateOnly, x.r.Header.Get(authVersionHeader))
	return err == nil && asked.Format(time.DateOnly) >= authVersion
}
