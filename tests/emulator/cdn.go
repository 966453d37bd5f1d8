package emulator

import (
	"strconv"
	"time"
)

// fromCDN plays the cache of [Fault.CDN]. As in production, the cache keeps objects
// by their path alone, and S3 is not cached.
func (x *exchange) fromCDN() {
	if x.fault.CDN <= 0 || x.req.Op != OpRESTGet {
		return
	}
	h := x.w.Header()
	h.Set("Cf-Cache-Status", "MISS")
	r := x.row()
	if r == nil || r.before == nil || r.before.content == nil {
		return
	}
	age := time.Duration(x.s.now()-r.replaced) * time.Microsecond
	if age >= x.fault.CDN {
		return
	}
	x.stale = true
	h.Set("Cf-Cache-Status", "HIT")
	// Since the version came into the cache; nobody had to wait for it.
	h.Set("Age", strconv.FormatInt((x.s.now()-r.before.written)/int64(time.Second/time.Microsecond), 10))
}
