package emulator

import (
	"math/rand/v2"
	"time"
)

// Rate is a kind of fault and how often it happens.
type Rate struct {
	// Op is the operation that has the fault.
	Op Op
	// Share of the requests, between 0 and 1.
	Share float64
	// Fault makes a fault, with random numbers that belong to the request alone.
	Fault func(*rand.Rand, Request) Fault
}

// Errors answers a share of the requests with one of the statuses, by default with
// 429, 500, 503 or 544.
func Errors(op Op, share float64, statuses ...int) Rate {
	if len(statuses) == 0 {
		statuses = []int{429, 500, 503, 544}
	}
	return Rate{op, share, func(r *rand.Rand, _ Request) Fault {
		return Fault{Status: statuses[r.IntN(len(statuses))]}
	}}
}

// Cuts ends a share of the bodies before their end.
func Cuts(op Op, share float64) Rate {
	return Rate{op, share, func(r *rand.Rand, _ Request) Fault {
		// Never the whole body, and sometimes nothing.
		return Fault{CutFraction: max(r.Float64(), 1e-9)}
	}}
}

// Delays holds up a share of the requests for up to limit.
func Delays(op Op, share float64, limit time.Duration) Rate {
	return Rate{op, share, func(r *rand.Rand, _ Request) Fault {
		return Fault{Delay: time.Duration(r.Int64N(int64(limit) + 1))}
	}}
}

// RandomFaults draws a fault for every request, for [Server.SetFaults]. The
// first rate that hits counts; without rates, a tenth of all GETs fails and a
// tenth is cut. The fault of a request follows from the seed, its Op, bucket, key,
// KeyN and Offset, not from the order in which requests arrive: a run with many
// simultaneous downloads meets the same faults again.
func RandomFaults(seed uint64, rates ...Rate) func(Request) Fault {
	if len(rates) == 0 {
		rates = []Rate{Errors(OpGet, 0.1), Cuts(OpGet, 0.1)}
	}
	return func(req Request) Fault {
		r := rand.New(rand.NewPCG(seed, identity(req)))
		for _, rate := range rates {
			if hit := r.Float64() < rate.Share; hit && rate.Op == req.Op {
				return rate.Fault(r, req)
			}
		}
		return Fault{}
	}
}

// identity is a hash of a request, the same in every process. Listings, which have
// no key, differ by their page.
func identity(req Request) uint64 {
	h := mix(uint64(req.Op))
	for _, s := range []string{req.Bucket, req.Key, req.page()} {
		for i := range len(s) {
			h = (h ^ uint64(s[i])) * 0x100000001b3
		}
		h = mix(h)
	}
	return mix(h + uint64(req.KeyN)<<32 + uint64(req.Offset))
}
