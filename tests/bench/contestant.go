package main

import (
	_ "embed"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/seed75cbcda6/supabase-storage/tests/bench/endpoint"
)

// The names of the tools, and of the contestants that run them at their defaults.
const (
	ours   = "supabase_storage"
	awsS3  = "aws_s3"
	s5cmd  = "s5cmd"
	rclone = "rclone"
	// obstore is the Python package of that name, the Rust library object_store.
	obstore = "obstore"
)

// otherBuild is this input in another binary, to compare two versions of it.
const otherBuild = "other build"

// binaries are the programs of the tools.
var binaries = map[string]string{ours: connect, awsS3: connect, s5cmd: s5cmd, rclone: rclone, obstore: obstore, otherBuild: otherBuild}

const connect = "supabase-connect"

// contestant is a tool with settings.
type contestant struct {
	name string
	tool string
	// config is the pipeline of supabase-connect; args are the arguments of the
	// others, and script is the file that these name. In them {{URL}}, {{ID}}, {{SECRET}},
	// {{REGION}}, {{API_URL}} and {{API_KEY}} stand for the endpoint and its keys, {{BUCKET}} and
	// {{BUCKETS}} for its bucket or buckets, {{DIR}} for an empty folder and {{SCRIPT}}
	// for the file. {{EACH}} stands for a copy of each for every bucket.
	config string
	args   []string
	script string
	each   string
	// files says that the objects end up in DIR.
	files bool
	// processes is how many of it run at the same time, 0 is one. In the config,
	// {{PROCESS}} is the number of each, from 0, and {{SHARE}} how many objects are its own.
	processes int
}

// account is an endpoint with its keys and buckets.
type account struct {
	url, id, secret, region string
	api, apiKey             string // of the REST API
	buckets                 []string
}

// benchAccount is that of the synthetic endpoint, which does not check keys.
func benchAccount(url string, o endpoint.Options) account {
	a := account{url: url, id: "bench", secret: "benchbenchbench", region: "us-east-1", api: url + "/storage/v1", apiKey: "sb_secret_bench"}
	for i := range max(o.Buckets, 1) {
		a.buckets = append(a.buckets, endpoint.BucketName(i, o.Buckets))
	}
	return a
}

// hide takes the keys out of what a tool printed.
func (a account) hide(text string) string {
	for _, key := range []string{a.secret, a.apiKey} {
		if key != "" {
			text = strings.ReplaceAll(text, key, "(key)")
		}
	}
	return text
}

// fill returns what puts the account, the folder and the script in their places.
func (a account) fill(dir, script, each string) func(string) string {
	blocks := make([]string, 0, len(a.buckets))
	for _, bucket := range a.buckets {
		blocks = append(blocks, strings.ReplaceAll(each, "{{BUCKET}}", bucket))
	}
	values := strings.NewReplacer("{{URL}}", a.url, "{{ID}}", a.id, "{{SECRET}}", a.secret, "{{REGION}}", a.region, "{{API_KEY}}", a.apiKey, "{{API_URL}}", a.api, "{{DIR}}", dir,
		"{{SCRIPT}}", script, "{{BUCKET}}", a.buckets[0], "{{BUCKETS}}", strings.Join(a.buckets, ","))
	return func(text string) string {
		return values.Replace(strings.ReplaceAll(text, "{{EACH}}", strings.Join(blocks, "")))
	}
}

// environment is the same for all tools. Their home is an empty folder, so that the
// settings of the person who runs this have no effect.
func (a account) environment(home string) []string {
	return []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + home, "TMPDIR=" + home,
		"AWS_ACCESS_KEY_ID=" + a.id, "AWS_SECRET_ACCESS_KEY=" + a.secret, "AWS_REGION=" + a.region,
		"AWS_EC2_METADATA_DISABLED=true", "RCLONE_S3_PROVIDER=Other", "RCLONE_S3_ENDPOINT=" + a.url, "RCLONE_S3_REGION=" + a.region,
		"RCLONE_S3_ACCESS_KEY_ID=" + a.id, "RCLONE_S3_SECRET_ACCESS_KEY=" + a.secret,
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

// inputs are the fields of this input and of aws_s3 that name a bucket.
const (
	ourFields = `supabase_storage:
  endpoint: '{{URL}}'
  region: '{{REGION}}'
  credentials: {access_key_id: '{{ID}}', secret_access_key: '{{SECRET}}'}
  source_path: {{BUCKET}}
`
	restFields = `supabase_storage:
  endpoint: '{{API_URL}}'
  credentials: {type: secret_key, secret_key: '{{API_KEY}}'}
  source_path: {{BUCKET}}
`
	awsFields = `aws_s3:
  endpoint: '{{URL}}'
  region: '{{REGION}}'
  force_path_style_urls: true
  credentials: {id: '{{ID}}', secret: '{{SECRET}}'}
  bucket: {{BUCKET}}
`
)

// pipeline is this input with further fields, otherwise at its defaults.
func pipeline(name, output string, fields ...string) contestant {
	return contestant{name: name, tool: ours, config: oneInput(ourFields, fields) + output, files: output == toFiles}
}

// workers are processes of this input that read objects by their references, each a
// part of them.
func workers(n, downloads int) contestant {
	targets := fmt.Sprintf(`concurrency: {max_downloads: %d}
targets_input:
  generate:
    interval: ""
    count: {{SHARE}}
    mapping: root.key = "objects/" + "%%09d".format((counter() - 1) * %d + {{PROCESS}}) + ".bin"
`, downloads, n)
	c := pipeline(workersName(n), toDrop, targets)
	c.processes = n
	return c
}

func workersName(n int) string {
	if n == 1 {
		return "1 worker"
	}
	return fmt.Sprintf("%d workers", n)
}

// overREST is this input with a secret API key, which it uses over the REST API.
func overREST(fields ...string) contestant {
	return contestant{name: onREST, tool: ours, config: oneInput(restFields, fields) + toDrop}
}

// awsPipeline is the aws_s3 input.
func awsPipeline(fields ...string) contestant {
	return contestant{name: awsS3, tool: awsS3, config: oneInput(awsFields, fields) + toDrop}
}

func oneInput(input string, fields []string) string {
	return head + "input:\n" + indented("  ", input+indented("  ", strings.Join(fields, "\n")))
}

// manyInputs has an input for each bucket, all in one pipeline.
func manyInputs(name, input string) contestant {
	const list = "      - "
	each := list + strings.TrimPrefix(indented(strings.Repeat(" ", len(list)), input), strings.Repeat(" ", len(list)))
	return contestant{name: name, tool: name, config: head + "input:\n  broker:\n    inputs:\n{{EACH}}" + toDrop, each: each}
}

func indented(by, text string) string {
	if text == "" {
		return ""
	}
	return by + strings.ReplaceAll(strings.TrimSuffix(text, "\n"), "\n", "\n"+by) + "\n"
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
// rclone with the number of transfers at which it is fastest; and obstore, which
// drops what it reads, as the inputs do.
func copies() []contestant {
	return []contestant{
		{name: s5cmd, tool: s5cmd, files: true, args: append(s5cmdFlags, "cp", "s3://{{BUCKET}}/*", "{{DIR}}/")},
		{name: rclone, tool: rclone, files: true, args: append([]string{"copy", ":s3:{{BUCKET}}"}, rcloneFlags...)},
		{name: obstore, tool: obstore, script: obstoreScript, args: []string{"{{SCRIPT}}", "{{URL}}", "{{BUCKETS}}", "64"}},
	}
}

// copiesOfMany are the same peers for many buckets, each in one process.
func copiesOfMany() []contestant {
	all := copies()
	all[0].args, all[0].script, all[0].each = append(s5cmdFlags, "run", "{{SCRIPT}}"), "{{EACH}}", "cp s3://{{BUCKET}}/* {{DIR}}/{{BUCKET}}/\n"
	all[1].args = append([]string{"copy", ":s3:"}, rcloneFlags...)
	return all
}

var (
	s5cmdFlags  = slices.Clip([]string{"--endpoint-url", "{{URL}}", "--no-verify-ssl"})
	rcloneFlags = []string{"{{DIR}}", "--transfers", "64", "--checkers", "64"}
)

//go:embed with_obstore.py
var obstoreScript string

// lists are the peers that list a bucket, with a filter that matches nothing.
func lists() []contestant {
	return []contestant{
		{name: s5cmd, tool: s5cmd, args: append(s5cmdFlags, "ls", "s3://{{BUCKET}}/*.none")},
		{name: rclone, tool: rclone, args: []string{"lsf", "-R", "--fast-list", "--include", "*.none", ":s3:{{BUCKET}}"}},
	}
}
