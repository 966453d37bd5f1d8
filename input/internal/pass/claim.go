package pass

import (
	"context"
	"fmt"
	"sync"

	"github.com/seed75cbcda6/supabase-storage/input/internal/bucket"
)

// claim is one attempt at one object, from its download to the ack of its last
// message. The object counts as delivered only when everything was handed on
// and everything was acked, in whichever order the two are known.
type claim struct {
	pass   *Pass
	object bucket.Object // the version that was fetched
	owner  owner

	mu        sync.Mutex
	acked     bool
	err       error // what the pipeline said, once acked
	handed    bool
	abandoned bool
}

// ack takes the pipeline's word; the first one counts. After an attempt was
// abandoned it means nothing, since the object is tried again.
func (c *claim) ack(ctx context.Context, err error) error {
	c.mu.Lock()
	if c.abandoned || c.acked {
		c.mu.Unlock()
		return nil
	}
	c.acked, c.err = true, err
	settled := c.handed
	c.mu.Unlock()
	if settled {
		c.settle(ctx)
	}
	return nil
}

// handedOn says that all of the object's messages are on their way.
func (c *claim) handedOn(ctx context.Context) {
	c.mu.Lock()
	c.handed = true
	settled := c.acked
	c.mu.Unlock()
	if settled {
		c.settle(ctx)
	}
}

func (c *claim) abandon() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.abandoned = true
}

// settle runs once, when both sides are known. This is the only place where an
// object becomes delivered.
func (c *claim) settle(ctx context.Context) {
	p := c.pass
	if c.err != nil {
		p.park(c.owner, c.object, reason(ErrRejected), fmt.Errorf("%w: %w", ErrRejected, c.err))
		return
	}
	if c.owner.work != nil {
		c.owner.work.Delivered(c.object)
	}
	p.tally.delivered(c.object)
	p.removals.remove(ctx, c.object, func(err error) {
		if err != nil {
			p.tally.notRemoved(c.object, err)
		} else if c.owner.work != nil {
			c.owner.work.Forget(c.object.Key)
		}
	})
}
