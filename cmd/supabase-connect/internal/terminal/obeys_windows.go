package terminal

import (
	"os"

	"golang.org/x/sys/windows"
)

// Obeys has a console obey escape sequences, and reports whether it does.
func Obeys(f *os.File) bool {
	var mode uint32
	console := windows.Handle(f.Fd())
	if err := windows.GetConsoleMode(console, &mode); err != nil {
		return false
	}
	return windows.SetConsoleMode(console, mode|windows.ENABLE_VIRTUAL_TERMINAL_PROCESSING) == nil
}
