package main

import (
	"os"
	"strings"
)

// The names of the tools, and of the contestants that run them at their defaults.
const (
	ours   = "supabase_storage"
	awsS3  = "aws_s3"
	s5cmd  = "s5cmd"
	rclone = "rclone"
)

// otherBuild is this input in another binary, to compare two versions of it.
const otherBuild = "other build"

// binaries are the programs of the tools.
var binaries = map[string]string{ours: connect, awsS3: connect, s5cmd: s5cmd, rclone: rclone, otherBuild: otherBuild}

const connect = "supabase-connect"

// contestant is a tool with settings.
type contestant struct {
	name string
	tool string
	// config is the pipeline of supabase-connect; args are the arguments of the
	// others. In both {{URL}}, {{BUCKET}} and {{DIR}} stand for the endpoint, its
	// bucket and an empty folder.
	config string
	args   []string
	// files says that the objects end up in DIR.
	files bool
}

// The accounts that the tools get. The endpoint does not check them.
const (
	accessKeyID     = "bench"
	secretAccessKey = "benchbenchbench"
	region          = "us-east-1"
)

// environment is the same for all tools. Their home is an empty folder, so that the
// settings of the person who runs this have no effect.
func environment(url, home string) []string {
	return []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + home, "TMPDIR=" + home,
		"AWS_ACCESS_KEY_ID=" + accessKeyID, "AWS_SECRET_ACCESS_KEY=" + secretAccessKey, "AWS_REGION=" + region,
		"AWS_EC2_METADATA_DISABLED=true", "RCLONE_S3_PROVIDER=Other", "RCLONE_S3_ENDPOINT=" + url, "RCLONE_S3_REGION=" + region,
		"RCLONE_S3_ACCESS_KEY_ID=" + accessKeyID, "RCLONE_S3_SECRET_ACCESS_KEY=" + secretAccessKey,
	}
}

const (
	toDrop  = "output:\n  drop: {}\n"
	toFiles = "output:\n  file:\n    path: '{{DIR}}/${! @supabase_storage_path }'\n    codec: all-bytes\n"
	toSink  = `output:
  http_client:
    url: '{{URL}}/sink'
    verb: POST
    headers: {Bench-Key: '${! @supabase_storage_key }'}
    timeout: 10m
    max_in_flight: 64
`
	chunked = "scanner: {chunker: {size: 1048576}}"
	head    = "http: {enabled: false}\nlogger: {level: WARN}\n"
)

// pipeline is this input with further fields, otherwise at its defaults.
func pipeline(name, output string, fields ...string) contestant {
	config := head + `input:
  supabase_storage:
    endpoint: '{{URL}}'
    credentials: {access_key_id: ` + accessKeyID + `, secret_access_key: ` + secretAccessKey + `}
    source_path: {{BUCKET}}
` + indented(fields) + output
	return contestant{name: name, tool: ours, config: config, files: output == toFiles}
}

// awsPipeline is the aws_s3 input.
func awsPipeline(fields ...string) contestant {
	config := head + `input:
  aws_s3:
    endpoint: '{{URL}}'
    region: ` + region + `
    force_path_style_urls: true
    credentials: {id: ` + accessKeyID + `, secret: ` + secretAccessKey + `}
    bucket: {{BUCKET}}
` + indented(fields) + toDrop
	return contestant{name: awsS3, tool: awsS3, config: config}
}

func indented(fields []string) string {
	var b strings.Builder
	for _, field := range fields {
		b.WriteString("    " + field + "\n")
	}
	return b.String()
}

// withOtherBuild adds another build of this input next to where it runs at its
// defaults.
func withOtherBuild(all []contestant) (more []contestant) {
	for _, c := range all {
		more = append(more, c)
		if c.name == ours || c.name == adaptive {
			c.name, c.tool = c.name+", other build", otherBuild
			more = append(more, c)
		}
	}
	return more
}

// copies are the peers that copy a bucket into a folder: s5cmd at its defaults,
// rclone with the number of transfers at which it is fastest.
func copies() []contestant {
	return []contestant{
		{name: s5cmd, tool: s5cmd, files: true, args: []string{"--endpoint-url", "{{URL}}", "--no-verify-ssl", "cp", "s3://{{BUCKET}}/*", "{{DIR}}/"}},
		{name: rclone, tool: rclone, files: true, args: []string{"copy", ":s3:{{BUCKET}}", "{{DIR}}", "--transfers", "64", "--checkers", "64"}},
	}
}

// lists are the peers that list a bucket, with a filter that matches nothing.
func lists() []contestant {
	return []contestant{
		{name: s5cmd, tool: s5cmd, args: []string{"--endpoint-url", "{{URL}}", "--no-verify-ssl", "ls", "s3://{{BUCKET}}/*.none"}},
		{name: rclone, tool: rclone, args: []string{"lsf", "-R", "--fast-list", "--include", "*.none", ":s3:{{BUCKET}}"}},
	}
}
