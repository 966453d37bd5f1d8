package input

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/redpanda-data/benthos/v4/public/service"
)

// Main runs the command line of Benthos with this input and ends the process with
// the exit code of [RunCLI]. It is all that the main function of a build of your
// own needs; the components that it links are those that the program imports.
func Main(opts ...service.CLIOptFunc) {
	os.Exit(RunCLI(context.Background(), opts...))
}

// RunCLI is [service.RunCLIToCode] for a process whose exit code tells whether its
// work is done. service.RunCLI ends with 0 whenever its inputs end, also when a
// bucket does not exist, when objects could not be delivered, and when a signal cut
// the work short.
//
// The exit code is 0 if everything that was due in one-time runs was delivered.
// It is 1 if something was not, if a run could not begin, or if a signal ended a
// run before all of it was acknowledged, also where the output does not let go of
// its messages until shutdown_timeout has passed. Inputs that repeat (continuous
// and scheduled) end with 0 when a signal stops them.
//
// The log goes to stderr, unless logger.file says otherwise. The reason for a code
// of 1 is in it.
func RunCLI(ctx context.Context, opts ...service.CLIOptFunc) (exitCode int) {
	signals := make(chan os.Signal, 1)
	runs.mu.Lock()
	runs.onFirst = func() {
		// Not earlier: a command that does not run a pipeline is to die of a signal as
		// any other program does.
		signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	}
	runs.mu.Unlock()

	code, err := service.RunCLIToCode(ctx, append(logToStderr(), opts...)...)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
	abandonOpenRuns()
	if code != 0 {
		return code
	}
	if ExitError() != nil {
		return 1
	}
	select {
	case <-signals:
		if Interrupted() != nil {
			return 1
		}
	default:
	}
	return 0
}

// logToStderr has pipelines log to stderr. Benthos logs to what is os.Stdout when
// its command line is made, where a log would mix with the output of commands, and
// prints the output of other commands there as well. So it is given a stdout of its
// own, which turns into stderr once the log of a pipeline is set up.
func logToStderr() []service.CLIOptFunc {
	stdout := os.Stdout
	theirs := *stdout
	os.Stdout = &theirs
	return []service.CLIOptFunc{
		func(*service.CLIOptBuilder) { os.Stdout = stdout },
		service.CLIOptOnLoggerInit(func(*service.Logger) { theirs = *os.Stderr }),
	}
}
