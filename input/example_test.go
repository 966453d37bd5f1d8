package input_test

import (
	"context"
	"fmt"
	"os"
	"strings"

	_ "github.com/redpanda-data/benthos/v4/public/components/pure"
	"github.com/redpanda-data/benthos/v4/public/service"

	"github.com/seed75cbcda6/supabase-storage/input"
	"github.com/seed75cbcda6/supabase-storage/tests/emulator"
)

// startProject serves a project with three objects in the bucket uploads. It
// returns the fields of an input that reads them.
func startProject() (fields string, stop func()) {
	project := emulator.New(emulator.Options{})
	project.CreateBucket("uploads")
	project.Put("uploads", "photos/cat.jpg", []byte("a cat"))
	project.Put("uploads", "photos/dog.jpg", []byte("a dog"))
	project.Put("uploads", "notes.txt", []byte("feed them"))
	listener, err := project.Start("")
	if err != nil {
		panic(err)
	}
	s := project.Settings()
	fields = fmt.Sprintf(`
endpoint: %s
region: %s
credentials: {access_key_id: %s, secret_access_key: %s}
source_path: uploads/photos/
concurrency: {max_downloads: 1}
`, listener.Endpoint(), s.Region, s.AccessKeyID, s.SecretAccessKey)
	return fields, func() { _ = listener.Close() }
}

// A program of your own reads a bucket: importing the package is enough.
func Example() {
	fields, stop := startProject()
	defer stop()

	builder := service.NewStreamBuilder()
	must(builder.SetLoggerYAML("level: none"))
	must(builder.AddInputYAML("supabase_storage:" + indented(fields)))
	must(builder.AddConsumerFunc(func(_ context.Context, msg *service.Message) error {
		path, _ := msg.MetaGet("supabase_storage_path")
		content, err := msg.AsBytes()
		fmt.Printf("%s: %s\n", path, content)
		return err // nil: the message is delivered
	}))
	stream, err := builder.Build()
	must(err)
	must(stream.Run(context.Background())) // ends with the one-time run

	reports := input.Reports()
	report := reports[len(reports)-1]
	fmt.Printf("%d of %d delivered, error: %v\n", report.Delivered, report.Listed, report.Err)
	// Output:
	// cat.jpg: a cat
	// dog.jpg: a dog
	// 2 of 2 delivered, error: <nil>
}

// The main function of a build of your own. The components that it links are those
// that the program imports, and its exit code says whether everything was delivered.
func ExampleMain() {
	input.Main(service.CLIOptSetVersion("1.0.0", "2026-01-01"))
}

// As Main, for a program that has something to do at its end.
func ExampleRunCLI() {
	code := input.RunCLI(context.Background(), service.CLIOptSetBinaryName("uploads"))
	if err := input.ExitError(); err != nil {
		fmt.Fprintln(os.Stderr, "not everything was delivered:", err)
	}
	os.Exit(code)
}

// An environment that has no input but this one.
func ExampleRegister() {
	env := service.NewEnvironment().WithInputs()
	must(input.Register(env))
	env.WalkInputs(func(name string, _ *service.ConfigView) { fmt.Println(name) })
	// Output: supabase_storage
}

// A check says whether a run would work, and what it would deliver.
func ExampleCheck() {
	fields, stop := startProject()
	defer stop()

	parsed, err := input.Spec().ParseYAML(fields+"include_patterns: ['c*']", nil)
	must(err)
	report := input.Check(context.Background(), parsed, service.MockResources(), input.CheckOptions{})
	for _, step := range report.Steps {
		fmt.Printf("%s: %s\n", step.Name, step.Status)
	}
	fmt.Println("due:", report.Sample.Due, "first:", report.Sample.First[0].Key)
	for _, left := range report.Sample.LeftOut {
		fmt.Println("left out:", left.Count, "by", left.Rule)
	}
	// Output:
	// config: ok
	// host: ok
	// credentials: ok
	// region: ok
	// bucket: ok
	// prefix: ok
	// patterns: ok
	// state: ok
	// download: ok
	// due: 1 first: photos/cat.jpg
	// left out: 1 by include
}

// What is wrong with a configuration comes as data.
func ExampleLint() {
	for _, err := range input.Lint(map[string]any{
		"project_ref": "https://supabase.com/dashboard/project/abcdefghijklmnopqrst",
		"source_path": "uploads",
		"sync_mode":   "continous",
		"credentials": map[string]any{"access_key_id": "", "secret_access_key": ""},
	}) {
		fmt.Println(err)
	}
	// Output:
	// project_ref: is an address of the project, not its reference; write abcdefghijklmnopqrst
	// sync_mode: "continous" is not a mode; write one_time, continuous or scheduled: did you mean continuous?
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}

// indented puts fields below the name of the input.
func indented(fields string) string { return strings.ReplaceAll(fields, "\n", "\n  ") }
