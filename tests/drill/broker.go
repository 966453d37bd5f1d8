package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"syscall"
)

// place is where a queue (a partition of a topic, a stream) holds a reference.
type place struct{ queue, at string }

// broker is the real broker between a lister and its workers.
type broker interface {
	// open makes what the configs expect, on a broker that was just started for the
	// first time.
	open(ctx context.Context) error
	process() *brokerProcess
	// configs are the files of the lister and of the workers.
	configs() (lister, worker string)
	// environment is what the configs need to know of the broker. w is nil for the lister.
	environment(w *worker) []string
	// waiting is how many references the broker does not know to be done with.
	waiting(ctx context.Context) (int64, error)
	// handed are the places of such references in the queues of a worker.
	handed(ctx context.Context, w *worker) ([]place, error)
	// join starts a worker while others run, and leave stops one for good.
	join(ctx context.Context, f *fleet, w *worker) error
	leave(ctx context.Context, f *fleet, w *worker) error
	// log has the key of each reference that was sent, dead the bodies of the dead letters.
	log(ctx context.Context) (map[place]string, error)
	dead(ctx context.Context) ([]string, error)
	close()
}

// brokerProcess is a broker that can be stopped and started again.
type brokerProcess struct {
	command []string
	address string
	running *exec.Cmd
}

// start returns when the broker listens.
func (p *brokerProcess) start(ctx context.Context) error {
	ctx, cancel := hanging(ctx, "the broker did not listen")
	defer cancel()
	cmd := exec.Command(p.command[0], p.command[1:]...) //nolint:noctx // stop ends it
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("starting the broker: %w", err)
	}
	p.running = cmd
	return waitFor(ctx, func() bool {
		c, err := new(net.Dialer).DialContext(ctx, "tcp", p.address)
		if err == nil {
			_ = c.Close()
		}
		return err == nil
	})
}

// stop asks the broker to end, and waits until it has.
func (p *brokerProcess) stop() {
	if p.running == nil {
		return
	}
	_ = p.running.Process.Signal(syscall.SIGTERM) // it may be gone
	_ = p.running.Wait()
	p.running = nil
}

// openBroker starts the broker with that name in a folder.
func openBroker(ctx context.Context, o scaleOptions, dir string) (b broker, err error) {
	switch o.broker {
	case "kafka":
		if o.kafkaStart == "" || o.kafkaAddress == "" {
			return nil, errors.New("-kafka-start or -kafka-address is missing; run.sh sets both")
		}
		b, err = newKafka(o.kafkaStart, o.kafkaAddress)
	case "redis":
		b, err = newRedis(ctx, dir)
	default:
		return nil, fmt.Errorf("-broker is %q; write kafka or redis", o.broker)
	}
	if err != nil {
		return nil, err
	}
	if err := b.process().start(ctx); err != nil {
		b.close()
		return nil, err
	}
	if err := b.open(ctx); err != nil {
		b.close()
		return nil, fmt.Errorf("preparing the broker: %w", err)
	}
	return b, nil
}
