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
// the exit code of [RunCLI]. The main function of your own build needs no more; it
// links the components that the program imports.
func Main(opts ...service.CLIOptFunc) {
	os.Exit(RunCLI(context.Background(), opts...))
}

// RunCLI is [service.RunCLIToCode] with an exit code that says whether the work is
// done. service.RunCLI ends with 0 whenever its inputs end, even if a bucket does
// not exist, objects could not be delivered, or a signal cut the work short.
//
// The exit code is 0 if everything that was due in one-time runs was delivered.
// It is 1 if something was not delivered, if a run could not begin, or if a run
// ended before all of it was acknowledged: by a signal, or because the output
// holds its messages beyond shutdown_timeout. Inputs that repeat (continuous and
// scheduled) end with 0 when a signal stops them.
//
// The log goes to stderr, unless logger.file says otherwise. It has the reason for
// a code of 1.
func RunCLI(ctx context.Context, opts ...service.CLIOptFunc) (exitCode int) {
	signals := make(chan os.Signal, 1)
	runs.mu.Lock()
	runs.onFirst = func() {
		// Not earlier: a signal should end a command that runs no pipeline, as it ends
		// any other program.
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

// logToStderr makes pipelines log to stderr. Benthos logs to the os.Stdout that it
// finds when its command line is made, and prints the output of commands there too.
// So it gets a stdout of its own, which becomes stderr once the log of a pipeline
// is set up.
func logToStderr() []service.CLIOptFunc {
	stdout := os.Stdout
	theirs := *stdout
	os.Stdout = &theirs
	return []service.CLIOptFunc{
		func(*service.CLIOptBuilder) { os.Stdout = stdout },
		service.CLIOptOnLoggerInit(func(*service.Logger) { theirs = *os.Stderr }),
	}
}
