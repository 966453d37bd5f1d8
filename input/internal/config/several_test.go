package config

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

const testToken = "sbp_0123456789abcdef0123456789abcdef01234567"

// fleetFields are a configuration for many projects that nothing is wrong with, without
// its projects.
const fleetFields = "credentials: {type: access_token, access_token: " + testToken + "}\nsource_path: \"*/\"\n"

func parseFleet(t *testing.T, fields string) (Config, error) {
	t.Helper()
	parsed, err := Spec().ParseYAML(fields, nil)
	require.NoError(t, err, fields)
	return Parse(parsed)
}

func TestBucketsMayBeAPattern(t *testing.T) {
	for source, want := range map[string]struct {
		pattern, prefix string
		names, matches  []string
		no              []string
	}{
		`"*"`:                         {pattern: "*", matches: []string{"a", "A b", "x.y"}},
		`"*/"`:                        {pattern: "*", matches: []string{"a"}},
		`"s3://*/a/"`:                 {pattern: "*", prefix: "a/", matches: []string{"a"}},
		`"tenant-*/"`:                 {pattern: "tenant-*", matches: []string{"tenant-", "tenant-1"}, no: []string{"tenant", "Tenant-1", "a-tenant-1"}},
		`"{docs,avatars}/public/"`:    {pattern: "{docs,avatars}", prefix: "public/", names: []string{"avatars", "docs"}, no: []string{"doc"}},
		`"[ab]*/x*/"`:                 {pattern: "[ab]*", prefix: "x*/", matches: []string{"a", "bc"}, no: []string{"c"}},
		`"?[!0-9]/"`:                  {pattern: "?[!0-9]", matches: []string{"ab"}, no: []string{"a1", "a"}},
		`"{a,b*}"`:                    {pattern: "{a,b*}", matches: []string{"a", "b", "bb"}, no: []string{"aa"}},
		`'{a\,b,c}/'`:                 {pattern: `{a\,b,c}`, names: []string{"a,b", "c"}},
		`'"*/"'`:                      {pattern: "*", matches: []string{"a"}},
		`"'{a,b}'/p/"`:                {pattern: "{a,b}", prefix: "p/", names: []string{"a", "b"}},
		`'s3://"*"/a'`:                {pattern: "*", prefix: "a", matches: []string{"a"}},
		`"*//odd *  "`:                {pattern: "*", prefix: "/odd *  ", matches: []string{"a"}},
		`"{a,a,b}"`:                   {pattern: "{a,a,b}", names: []string{"a", "b"}},
		`"x*{1,2}[.-]y"`:              {pattern: "x*{1,2}[.-]y", matches: []string{"x1.y", "xx2-y"}, no: []string{"x3.y"}},
		`"*'s files/"`:                {pattern: "*'s files", matches: []string{"Ann's files"}},
		"\"{\\u00e4*,b}/\"":           {pattern: "{ä*,b}", matches: []string{"b"}},
		`"**.txt"`[:2] + `a{,-2}"`:    {pattern: "*a{,-2}", matches: []string{"a", "xa-2"}},
		`"s3://{one,two}"`:            {pattern: "{one,two}", names: []string{"one", "two"}},
		`"[*]x{1,2}"`:                 {pattern: "[*]x{1,2}", matches: []string{"*x1"}, no: []string{"ax1"}},
		"\"tenant-*/a\\u0000b\"":      {pattern: "tenant-*", prefix: "a\x00b", matches: []string{"tenant-1"}},
		`"a*b*c*d*e*f*g*h*i*j*k*l*m"`: {pattern: "a*b*c*d*e*f*g*h*i*j*k*l*m", no: []string{strings.Repeat("ab", 50)}},
	} {
		conf, err := parseFields(t, "source_path: "+source)
		require.NoError(t, err, source)
		require.True(t, conf.Several(), source)
		require.Empty(t, conf.Project.Bucket, source)
		require.Equal(t, want.pattern, conf.Buckets.String(), source)
		require.Equal(t, want.prefix, conf.Prefix, source)
		names, listed := conf.Buckets.Names()
		require.Equal(t, want.names, names, source)
		require.Equal(t, want.names != nil, listed, source)
		for _, name := range append(want.matches, want.names...) {
			require.True(t, conf.Buckets.Match(name), "%s does not match %q", source, name)
		}
		for _, name := range want.no {
			require.False(t, conf.Buckets.Match(name), "%s matches %q", source, name)
		}
		one := conf.ForBucket("it")
		require.False(t, one.Several())
		require.Equal(t, "it", one.Project.Bucket)
		require.Equal(t, want.prefix, one.Prefix)
		require.True(t, conf.Several(), "the configuration of one bucket changed that of all")
		require.Empty(t, lintFields(t, withFields("source_path: "+source), noEnv), source)
	}
}

func TestANameWithoutMarksIsOneBucket(t *testing.T) {
	for source, want := range map[string]string{
		`"a b"`: "a b", `"it's"`: "it's", `"'a'"`: "'a'", `"a,b"`: "a,b", `"a!b"`: "a!b", `"(x)+y"`: "(x)+y", `'what\?'`: "what?",
		`'a\*b/c'`: "a*b", `"{a}/"`: "a", `'"a"/b'`: "a",
	} {
		conf, err := parseFields(t, "source_path: "+source)
		require.NoError(t, err, source)
		require.False(t, conf.Several(), source)
		require.Equal(t, want, conf.Project.Bucket, source)
	}
}

func TestWrongPatternsOfBucketsSayWhatToWrite(t *testing.T) {
	for source, want := range map[string]string{
		`"**/a"`:           `"**/a" has ** where the bucket stands; write "*" for every bucket: prefixes are read at any depth`,
		`"{a,b"`:           `pattern "{a,b": "{" has no closing "}" at character 1; close it`,
		`"{a/x,b/y}/"`:     `"{a/x,b/y}/" has braces or brackets that go on after the first "/", but only the bucket may be a pattern; close them before the "/"`,
		`"[a/b]*"`:         `has braces or brackets that go on after the first "/"`,
		`"[ab"`:            `"[" has no closing "]"`,
		`"*]"`:             `"]" has no opening "["`,
		`"{a,}/"`:          `"{a,}/" stands for "", which cannot be the name of a bucket`,
		`'{a,b#c}'`:        `stands for "b#c", which cannot be the name of a bucket`,
		`'uploads\photos'`: `has a backslash before a letter or digit; write "/" between bucket and prefix`,
		`'a*\'`:            `nothing follows the backslash`,
		`{avatars, docs}`:  `YAML reads this as an object, because it begins with a brace; write it in quotes, such as "{avatars,docs}/"`,
		`[ab]`:             `YAML reads this as a list, because it begins with a bracket; write it in quotes`,
		`"[^a]*"`:          `"^" does not negate a class`,
		`"https://*/a"`:    `is a URL`,
		`"{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}"`: `the braces stand for more than 1000 patterns`,
	} {
		fields := withFields("source_path: " + source)
		_, err := parseFields(t, "source_path: "+source)
		require.ErrorContains(t, err, "source_path: ", source)
		require.ErrorContains(t, err, want, source)
		lints := lintFields(t, fields, noEnv)
		require.Len(t, lints, 1, source)
		require.Equal(t, err.Error(), lints[0].What, source)
	}
}

func TestProjectsOfAnOrganization(t *testing.T) {
	conf, err := parseFleet(t, fleetFields+`
projects:
  organization: acme
  include: ["prod-*", "team/*"]
  exclude: ["*-{old,test}"]
  refresh_interval: 60
  max_active: "8"
  label_metrics: true
`)
	require.NoError(t, err)
	require.True(t, conf.Several())
	require.Equal(t, "acme", conf.Projects.Organization)
	require.Empty(t, conf.Projects.Refs)
	require.Equal(t, time.Minute, conf.Projects.RefreshInterval)
	require.Equal(t, 8, conf.Projects.MaxActive)
	require.True(t, conf.Projects.LabelMetrics)
	require.Equal(t, "https://api.supabase.com", conf.Project.APIURL)
	require.Equal(t, testToken, conf.Project.AccessToken())
	require.Empty(t, conf.Project.Ref)
	require.Empty(t, conf.Project.Endpoint)
	require.Equal(t, `buckets "*" of organization acme`, conf.Where())

	for name, want := range map[string]bool{"prod-a": true, "prod-a/b": true, "team/x": true, "prod-old": false, "stage": false, "Prod-a": false} {
		require.Equal(t, want, conf.Projects.Wanted(name, false), name)
	}
	require.False(t, conf.Projects.Wanted("prod-a", true), "a preview branch is left out")

	one, err := conf.ForProject(testRef)
	require.NoError(t, err)
	require.Nil(t, one.Projects)
	require.Equal(t, "https://"+testRef+".supabase.co/storage/v1/s3", one.Project.Endpoint)
	require.Equal(t, testRef, one.Project.Ref)
	require.True(t, one.Several(), "the buckets are still a pattern")
	require.NotNil(t, conf.Projects)
	two, err := conf.ForProject("qrstabcdefghijklmnop")
	require.NoError(t, err)
	require.Contains(t, two.Project.Endpoint, "qrstabcdefghijklmnop")
	bucket := two.ForBucket("docs")
	require.False(t, bucket.Several())
	require.Equal(t, "docs", bucket.Project.Bucket)
	require.Equal(t, two.Project.Endpoint, bucket.Project.Endpoint)

	for _, ref := range []string{"", "../../v1", "a/b", strings.ToUpper(testRef), testRef + "a", "{project_ref}"} {
		_, err = conf.ForProject(ref)
		require.Error(t, err, ref)
	}
}

func TestProjectsByReferenceOnAnEndpointOfTheirOwn(t *testing.T) {
	conf, err := parseFleet(t, strings.Replace(fleetFields, `"*/"`, "docs/x/", 1)+`
endpoint: http://127.0.0.1:8000/{project_ref}/storage/v1/s3/
projects: {refs: [tenant-1, tenant_2, tenant-1]}
`)
	require.NoError(t, err)
	require.Equal(t, []string{"tenant-1", "tenant_2"}, conf.Projects.Refs)
	require.Equal(t, 5*time.Minute, conf.Projects.RefreshInterval)
	require.Equal(t, 64, conf.Projects.MaxActive)
	require.True(t, conf.Projects.Wanted("whatever", true), "a branch that is named is read")
	require.Equal(t, `buckets "docs" prefix "x/" of 2 projects`, conf.Where())
	one, err := conf.ForProject("tenant_2")
	require.NoError(t, err)
	require.Equal(t, "http://127.0.0.1:8000/tenant_2/storage/v1/s3", one.Project.Endpoint)
	require.Equal(t, "docs", one.Project.Bucket)
	require.False(t, one.Several())
}

func TestWhatDoesNotGoWithProjectsIsAnError(t *testing.T) {
	const org = "projects: {organization: acme}\n"
	for fields, want := range map[string]string{
		fleetFields + org + "project_ref: " + testRef:                                          `project_ref: is set together with projects; keep one of them`,
		fleetFields + org + "region: eu-west-1":                                                `region: has no effect with projects`,
		fleetFields + org + "endpoint: https://a.example.com/storage/v1/s3":                    `endpoint: is one address, and projects are many; write {project_ref} where`,
		fleetFields + org + "endpoint: ftp://{project_ref}.example.com/storage/v1/s3":          `endpoint: has no http:// or https:// and host`,
		fleetFields + org + "endpoint: https://{project_ref}.supabase.co":                      `endpoint: lacks the path of the S3 protocol; write https://{project_ref}.supabase.co/storage/v1/s3`,
		"source_path: a\ncredentials: {type: access_token}\n" + org:                            `credentials.access_token: is missing`,
		"source_path: a\ncredentials: {access_key_id: a, secret_access_key: b}\n" + org:        `credentials.type: is access_key, whose keys are those of one project; write type: access_token`,
		"source_path: a\ncredentials: {type: access_token, access_token: sb_secret_x}\n" + org: `credentials.access_token: holds`,
		fleetFields + "projects: {organization: acme, refs: [" + testRef + "]}":                `projects.refs: is set together with organization; keep one of them`,
		fleetFields + "projects: {organization: a/b}":                                          `projects.organization: is not the slug of an organization`,
		fleetFields + "projects: {include: ['a*']}":                                            `projects: names neither an organization nor projects; write the slug`,
		fleetFields + "projects: {refs: [abc, ../x]}":                                          `projects.refs[1]: is not the reference of a project; write the 20 lower-case letters`,
		fleetFields + "projects: {refs: [" + testRef + ", tenant-1]}":                          `projects.refs[1]: is no reference of a hosted project; write the 20 lower-case letters`,
		fleetFields + "projects: {refs: abc}":                                                  `projects.refs: "abc" is not a list; write ["abc"]`,
		fleetFields + "projects: {organization: acme, max_active: 0}":                          `projects.max_active: "0" is not a whole number from 1 to 10000`,
		fleetFields + "projects: {organization: acme, refresh_interval: 1s}":                   `projects.refresh_interval: "1s" is less than 10s`,
		fleetFields + "projects: {organization: acme, refresh_interval: soon}":                 `projects.refresh_interval: "soon" is not a duration`,
		fleetFields + "projects: {organization: acme, branches: maybe}":                        `projects.branches: "maybe" is neither true nor false`,
		fleetFields + "projects: {organization: acme, label_metrics: 2}":                       `projects.label_metrics: "2" is neither true nor false`,
		fleetFields + "projects: {organization: acme, include: ['[']}":                         `projects.include[0]: pattern "[": "[" has no closing "]"`,
		fleetFields + "projects: {organization: acme, exclude: ['']}":                          `projects.exclude[0]: the pattern is empty`,
		fleetFields + org + "targets_input: {generate: {mapping: root = 1}}":                   `targets_input: can't be used together with several buckets or projects; write the name of one bucket`,
	} {
		lints := lintFields(t, fields, noEnv)
		var said []string
		for _, lint := range lints {
			said = append(said, lint.What)
		}
		require.Contains(t, strings.Join(said, "\n"), want, fields)
		_, err := parseFleet(t, fields)
		require.ErrorContains(t, err, want, fields)
	}
}

func TestTargetsAreOfOneBucket(t *testing.T) {
	fields := "source_path: '{a,b}/'\ntargets_input: {generate: {mapping: root = 1}}"
	const want = "targets_input: can't be used together with several buckets or projects"
	lints := lintFields(t, withFields(fields), noEnv)
	require.Len(t, lints, 1)
	require.Contains(t, lints[0].What, want)
	_, err := parseFields(t, fields)
	require.ErrorContains(t, err, want)
}

func TestProjectsLintClean(t *testing.T) {
	for _, fields := range []string{
		fleetFields + "projects: {organization: acme}",
		fleetFields + "projects: {refs: [" + testRef + "]}",
		fleetFields + "endpoint: 'http://127.0.0.1:8000/{project_ref}/storage/v1/s3'\nprojects: {refs: [a]}",
		"source_path: a\ncredentials: {type: access_token, access_token_file: /run/token}\nprojects: {organization: abcdefghijklmnopqrst}",
	} {
		for _, lint := range lintFields(t, fields, exampleEnv) {
			require.Fail(t, lint.What, fields)
		}
	}
	lints := lintFields(t, fleetFields+"projects: {organization: '${ORG}'}", noEnv)
	require.Len(t, lints, 1, "a variable that is not set is for Benthos to report")
	require.Contains(t, lints[0].What, "ORG")
}
