//go:build !unix

package endpoint

import "time"

// processCPU is not known here.
func processCPU() time.Duration { return 0 }
