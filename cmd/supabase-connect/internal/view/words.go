package view

import (
	"fmt"
	"time"

	"github.com/dustin/go-humanize"
)

// Count writes a number: "1,234".
func Count(n int64) string { return humanize.Comma(n) }

// Objects writes a number of objects: "1 object", "1,234 objects".
func Objects(n int64) string {
	if n == 1 {
		return "1 object"
	}
	return Count(n) + " objects"
}

// Buckets writes a number of buckets: "1 bucket", "1,234 buckets".
func Buckets(n int64) string {
	if n == 1 {
		return "1 bucket"
	}
	return Count(n) + " buckets"
}

// Projects writes a number of projects: "1 project", "1,234 projects".
func Projects(n int64) string {
	if n == 1 {
		return "1 project"
	}
	return Count(n) + " projects"
}

// ProjectsAndBuckets writes both numbers, or one where the other is 0: "1 project and
// 1,234 buckets".
func ProjectsAndBuckets(projects, buckets int64) string {
	switch {
	case projects == 0:
		return Buckets(buckets)
	case buckets == 0:
		return Projects(projects)
	}
	return Projects(projects) + " and " + Buckets(buckets)
}

// Bytes writes a size in units of 1024: "512 B", "1.5 MiB".
func Bytes(n int64) string {
	const unit = 1024
	if n < unit {
		return fmt.Sprintf("%d B", n)
	}
	value, prefix := float64(n)/unit, 0
	for value >= unit {
		value, prefix = value/unit, prefix+1
	}
	return fmt.Sprintf("%.1f %ciB", value, "KMGTPE"[prefix])
}

// Rate writes how many come in a second: "0.4/s", "1,250/s".
func Rate(perSecond float64) string {
	if perSecond > 0 && perSecond < 9.95 {
		return fmt.Sprintf("%.1f/s", perSecond)
	}
	return Count(int64(perSecond+0.5)) + "/s"
}

// ByteRate writes how many bytes come in a second: "1.5 MiB/s".
func ByteRate(perSecond float64) string { return Bytes(int64(perSecond+0.5)) + "/s" }

// Duration writes a time in its two largest units: "5s", "1m20s", "5h02m", "3d4h".
func Duration(d time.Duration) string {
	const day = 24 * time.Hour
	d = max(d, 0).Round(time.Second)
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%ds", d/time.Second)
	case d < time.Hour:
		return fmt.Sprintf("%dm%02ds", d/time.Minute, d%time.Minute/time.Second)
	case d < 2*day:
		return fmt.Sprintf("%dh%02dm", d/time.Hour, d%time.Hour/time.Minute)
	default:
		return fmt.Sprintf("%dd%dh", d/day, d%day/time.Hour)
	}
}

// Took writes how long something took that has ended: as Duration, and with tenths
// of a second below ten seconds.
func Took(d time.Duration) string {
	if d < 10*time.Second {
		return fmt.Sprintf("%.1fs", max(d, 0).Seconds())
	}
	return Duration(d)
}

// Clock writes the time since a beginning, which ticks: "0:42", "1:02:42".
func Clock(d time.Duration) string {
	d = max(d, 0).Truncate(time.Second)
	minutes, seconds := d/time.Minute, d%time.Minute/time.Second
	if d < time.Hour {
		return fmt.Sprintf("%d:%02d", minutes, seconds)
	}
	return fmt.Sprintf("%d:%02d:%02d", minutes/60, minutes%60, seconds)
}
