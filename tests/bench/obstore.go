package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// obstorePython is the Python of the environment that has obstore.
func obstorePython() string {
	cache, err := os.UserCacheDir()
	if err != nil {
		return ""
	}
	return filepath.Join(cache, "supabase-storage", "obstore", "bin", "python")
}

func installObstore() string {
	python := obstorePython()
	return "python3 -m venv " + filepath.Dir(filepath.Dir(python)) + " && " + python + " -m pip install obstore"
}

// obstoreVersion asks the environment; "" if it has no obstore.
func obstoreVersion() string {
	out, err := exec.Command(obstorePython(), "-c",
		"import importlib.metadata, platform; print('v' + importlib.metadata.version('obstore') + ', Python ' + platform.python_version())").Output()
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(out))
}
