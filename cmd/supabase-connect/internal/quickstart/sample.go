package quickstart

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"math/rand/v2"
	"strings"
)

// sampleBucket is the name of the bucket that the quickstart makes.
const sampleBucket = "user-uploads"

// sample is one object of the sample bucket.
type sample struct {
	key         string
	contentType string
	content     []byte
}

// samples is what users upload: pictures in folders, a film, an export, and
// things that a pipeline is better off without. It is the same in every run.
func samples() ([]sample, error) {
	photo, err := picture(jpegFormat, 320)
	if err != nil {
		return nil, err
	}
	thumbnail, err := picture(jpegFormat, 48)
	if err != nil {
		return nil, err
	}
	avatar, err := picture(pngFormat, 64)
	if err != nil {
		return nil, err
	}
	return []sample{
		{"photos/2024/06/beach.jpg", "image/jpeg", photo},
		{"photos/2024/06/beach_thumbnail.jpg", "image/jpeg", thumbnail},
		{"photos/2024/07/Holiday (1) & more, 50+.jpg", "image/jpeg", photo},
		{"photos//double-slash.jpg", "image/jpeg", thumbnail},
		{"photos/.emptyFolderPlaceholder", "application/octet-stream", nil},
		{"avatars/8c5f0e7a/avatar.png", "image/png", avatar},
		{"videos/clip.mp4", "video/mp4", noise(6 << 20)},
		{"exports/orders.jsonl", "application/x-ndjson", orders(5000)},
		{"exports/orders.csv", "text/csv", []byte("id,total\n1,9.90\n")},
		{"incoming/upload-17.tmp", "application/octet-stream", noise(2048)},
		{"notes.txt", "text/plain", []byte("No pattern asks for this one.\n")},
	}, nil
}

type format int

const (
	jpegFormat format = iota
	pngFormat
)

// picture is a colour gradient of size × size pixels.
func picture(f format, size int) ([]byte, error) {
	img := image.NewRGBA(image.Rect(0, 0, size, size))
	for x := range size {
		for y := range size {
			img.Set(x, y, color.RGBA{R: uint8(x * 255 / size), G: uint8(y * 255 / size), B: 140, A: 255})
		}
	}
	var out bytes.Buffer
	var err error
	switch f {
	case jpegFormat:
		err = jpeg.Encode(&out, img, nil)
	case pngFormat:
		err = png.Encode(&out, img)
	}
	if err != nil {
		return nil, fmt.Errorf("drawing a sample picture: %w", err)
	}
	return out.Bytes(), nil
}

// noise stands in for bytes that mean something to a player alone.
func noise(size int) []byte {
	out := make([]byte, size)
	_, _ = rand.NewChaCha8([32]byte{1}).Read(out)
	return out
}

func orders(lines int) []byte {
	var out strings.Builder
	for i := range lines {
		fmt.Fprintf(&out, `{"id":%d,"customer":"c-%04d","total":%d.%02d}`+"\n", i+1, i%1000, i%90+1, i%100)
	}
	return []byte(out.String())
}
