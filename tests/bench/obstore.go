package main

import (
	"os"
	"path/filepath"
	"strings"
)

// obstoreFolder is the virtual environment of Python that has obstore.
func obstoreFolder() string {
	cache, _ := os.UserCacheDir() // "" finds nothing
	return filepath.Join(cache, "supabase-storage", "obstore")
}

func obstorePython() string { return filepath.Join(obstoreFolder(), "bin", "python") }

func installObstore() string {
	return "python3 -m venv " + obstoreFolder() + " && " + obstorePython() + " -m pip install obstore"
}

// obstoreVersion is the version that is installed, and that of Python; "" if there
// is none.
func obstoreVersion() string {
	found, _ := filepath.Glob(filepath.Join(obstoreFolder(), "lib", "python*", "site-packages", "obstore-*.dist-info")) // the pattern is right
	if len(found) == 0 {
		return ""
	}
	version := strings.TrimSuffix(strings.TrimPrefix(filepath.Base(found[0]), "obstore-"), ".dist-info")
	_, python, _ := strings.Cut(filepath.ToSlash(found[0]), "/lib/python")
	python, _, _ = strings.Cut(python, "/")
	return "v" + version + ", Python " + python
}
