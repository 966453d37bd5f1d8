package top

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// browser runs Chromium, of its own profile, on a page.
func browser(t *testing.T, path string, flags ...string) []byte {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	args := []string{
		"--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
		"--disable-component-update", "--disable-sync", "--hide-scrollbars", "--user-data-dir=" + t.TempDir(),
	}
	out, err := exec.CommandContext(ctx, chromium(t), append(append(args, flags...), "file://"+path)...).Output()
	require.NoError(t, err)
	return out
}

func chromium(t *testing.T) string {
	t.Helper()
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	t.Skip("no chromium, chromium-browser or google-chrome in PATH: install Chromium to see the page in a browser")
	return ""
}

func TestABrowserShowsThePageOnAPhoneAndInTheDark(t *testing.T) {
	chromium(t)
	r := several(t)
	r.Inputs = append(moving(t).Inputs, r.Inputs...)
	r.Outputs = stuck(t).Outputs
	var page bytes.Buffer
	require.NoError(t, writePage(&page, r))
	path := filepath.Join(t.TempDir(), "page.html")
	require.NoError(t, os.WriteFile(path, page.Bytes(), 0o644))
	dom := string(browser(t, path, "--dump-dom"))
	require.Contains(t, textOf(dom), "lists everything, 50,000 of about 80,000 (62%)")
	require.Contains(t, textOf(dom), "broker (output) is not connected: dial tcp 10.0.0.7:9092: connection refused")

	// A phone is narrower than any window of Chromium. The script tells how much wider
	// than the phone the content is.
	phone := filepath.Join(t.TempDir(), "phone.html")
	text := strings.Replace(page.String(), "</body>", `<style>body { width: 360px }</style><script>
document.title = "too wide by " + (document.body.scrollWidth - document.body.clientWidth)</script></body>`, 1)
	require.NoError(t, os.WriteFile(phone, []byte(text), 0o644))
	require.Contains(t, string(browser(t, phone, "--dump-dom")), "<title>too wide by 0</title>")

	for scheme, back := range map[string]color.RGBA{"light": {0xf6, 0xf8, 0xf7, 255}, "dark": {0x12, 0x17, 0x15, 255}} {
		shot := filepath.Join(t.TempDir(), scheme+".png")
		preferred := map[string]int{"dark": 0, "light": 1}[scheme]
		browser(t, path, fmt.Sprintf("--blink-settings=preferredColorScheme=%d", preferred), "--window-size=1100,900", "--screenshot="+shot)
		picture, err := os.ReadFile(shot)
		require.NoError(t, err)
		shown, err := png.Decode(bytes.NewReader(picture))
		require.NoError(t, err)
		require.Equal(t, image.Pt(1100, 900), shown.Bounds().Size())
		r, g, b, _ := shown.At(2, 2).RGBA()
		shows := color.RGBA{uint8(r >> 8), uint8(g >> 8), uint8(b >> 8), 255}
		require.Equal(t, back, shows, scheme)
		require.Greater(t, differentColours(shown), 30, "cards, texts, and graphs are there")
	}
}

// differentColours is how many colours a picture has.
func differentColours(shown image.Image) int {
	seen := map[color.Color]bool{}
	for y := range shown.Bounds().Dy() {
		for x := range shown.Bounds().Dx() {
			seen[shown.At(x, y)] = true
		}
	}
	return len(seen)
}
