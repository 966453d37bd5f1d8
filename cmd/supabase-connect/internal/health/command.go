// Package health asks a running pipeline whether it is connected: the health
// check of a container image that has neither a shell nor curl.
//
//	command.go  the subcommand
//	ask.go      the request, and what its answer means
package health

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/urfave/cli/v2"
)

const (
	flagTimeout    = "timeout"
	addressEnv     = "HTTP_ADDRESS"
	defaultAddress = "127.0.0.1:4195"
)

// Command is the subcommand "health" of the binary.
func Command() *cli.Command {
	return &cli.Command{
		Name:      "health",
		Usage:     "Ask a running pipeline whether its input and output are connected",
		ArgsUsage: "[URL]",
		Description: `
Asks /ready of a pipeline that runs. Ends with 0 if its inputs and outputs are
connected, and otherwise with 1 and the reason.

URL is where the pipeline serves HTTP. Without it, the address in the variable
HTTP_ADDRESS is asked, which the example configs listen on, or 127.0.0.1:4195.

  {{.BinaryName}} health
  {{.BinaryName}} health http://10.0.0.7:4195`[1:],
		Flags: []cli.Flag{
			&cli.DurationFlag{
				Name:  flagTimeout,
				Value: 5 * time.Second,
				Usage: "how long to wait for the answer",
			},
		},
		Action: func(c *cli.Context) error {
			if c.Args().Len() > 1 {
				return fmt.Errorf("health takes one URL, saw %d arguments; flags go in front of it", c.Args().Len())
			}
			timeout := c.Duration(flagTimeout)
			if timeout <= 0 {
				return fmt.Errorf("--%s: %v is no time to wait; use a duration above zero, such as 5s", flagTimeout, timeout)
			}
			where, err := readyURL(c.Args().First(), os.Getenv(addressEnv))
			if err != nil {
				return err
			}
			if err := ask(c.Context, where, timeout); err != nil {
				return err
			}
			_, err = fmt.Fprintf(c.App.Writer, "connected: %s\n", where.Redacted())
			return err
		},
	}
}

// readyURL is the URL of /ready below what was typed: a URL or host:port. Where
// nothing was typed, it is that of the address that a pipeline listens on, which
// may leave out the host or stand for all interfaces.
func readyURL(typed, listens string) (*url.URL, error) {
	if typed == "" {
		host, port, err := net.SplitHostPort(orDefault(listens))
		if err != nil {
			return nil, fmt.Errorf("%s: %q is no address; use host:port, or give the URL as the argument", addressEnv, listens)
		}
		if ip := net.ParseIP(host); host == "" || ip.IsUnspecified() {
			host = "127.0.0.1" // a container may have no name for it
		}
		typed = "http://" + net.JoinHostPort(host, port)
	}
	if !strings.Contains(typed, "://") {
		typed = "http://" + typed
	}
	where, err := url.Parse(typed)
	if err != nil || where.Host == "" || where.Scheme != "http" && where.Scheme != "https" {
		// The text may hold a password, so it is not repeated.
		return nil, errors.New("the argument is no URL of a pipeline; use one such as http://127.0.0.1:4195")
	}
	if where.Path == "" || where.Path == "/" {
		where.Path = "/ready"
	}
	return where, nil
}

func orDefault(address string) string {
	if address == "" {
		return defaultAddress
	}
	return address
}
