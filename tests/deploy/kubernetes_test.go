package deploy_test

import (
	"bytes"
	"io"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/yannh/kubeconform/pkg/validator"
	"sigs.k8s.io/yaml"
)

// manifest is what the tests read of one; kubeconform has the rest.
type manifest struct {
	file string

	APIVersion string                `json:"apiVersion"`
	Kind       string                `json:"kind"`
	Metadata   struct{ Name string } `json:"metadata"`
	Data       map[string]string     `json:"data"`
	Spec       struct {
		podTemplate
		Replicas             *int `json:"replicas"`
		VolumeClaimTemplates []struct {
			Metadata struct{ Name string } `json:"metadata"`
		} `json:"volumeClaimTemplates"`
		JobTemplate struct{ Spec podTemplate } `json:"jobTemplate"`
	} `json:"spec"`
}

type podTemplate struct {
	Template struct {
		Spec pod `json:"spec"`
	} `json:"template"`
}

type pod struct {
	AutomountServiceAccountToken *bool `json:"automountServiceAccountToken"`
	SecurityContext              struct {
		RunAsNonRoot       bool
		RunAsUser, FSGroup int64
		SeccompProfile     struct{ Type string }
	} `json:"securityContext"`
	Containers []struct {
		Args                          []string
		Env                           []struct{ Name, Value string }
		EnvFrom                       []struct{ ConfigMapRef struct{ Name string } }
		Ports                         []struct{ Name string }
		ReadinessProbe, LivenessProbe *struct {
			HTTPGet struct{ Path, Port string } `json:"httpGet"`
		}
		SecurityContext struct {
			AllowPrivilegeEscalation *bool
			ReadOnlyRootFilesystem   bool
			Capabilities             struct{ Drop []string }
		}
		VolumeMounts []struct{ Name, MountPath string }
	} `json:"containers"`
	Volumes []struct {
		Name                  string
		ConfigMap             *struct{ Name string }
		Secret                *struct{ SecretName string }
		PersistentVolumeClaim *struct{ ClaimName string }
	} `json:"volumes"`
}

// manifests reads all documents below config/deploy/kubernetes.
func manifests(t *testing.T) (all []manifest) {
	t.Helper()
	files, err := filepath.Glob(deploy + "/kubernetes/*.yaml")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		for doc := range strings.SplitSeq(read(t, file), "\n---\n") {
			m := manifest{file: filepath.Base(file)}
			require.NoError(t, yaml.Unmarshal([]byte(doc), &m), file)
			all = append(all, m)
		}
	}
	return all
}

// podOf is the pod that a manifest describes, or nil.
func (m manifest) podOf() *pod {
	switch m.Kind {
	case "CronJob":
		return &m.Spec.JobTemplate.Spec.Template.Spec
	case "Job", "StatefulSet", "Deployment":
		return &m.Spec.Template.Spec
	}
	return nil
}

func TestKubernetesAcceptsTheManifests(t *testing.T) {
	v, err := validator.New([]string{writeSchemas(t)}, validator.Opts{Strict: true})
	require.NoError(t, err)
	valid := func(text string) (problems []string) {
		for _, r := range v.Validate("manifest", io.NopCloser(bytes.NewReader([]byte(text)))) {
			if r.Status != validator.Valid && r.Status != validator.Empty {
				problems = append(problems, r.Err.Error())
			}
		}
		return problems
	}
	files, err := filepath.Glob(deploy + "/kubernetes/*.yaml")
	require.NoError(t, err)
	for _, file := range files {
		require.Empty(t, valid(read(t, file)), file)
	}
	// The schemas do find what they are for.
	continuous := read(t, deploy+"/kubernetes/continuous.yaml")
	for _, fault := range [][2]string{
		{"livenessProbe:", "livelinessProbe:"}, {"mountPath: /tmp", "path: /tmp"}, {"replicas: 1", "replicas: one"}, {"serviceName:", "services:"},
	} {
		broken := strings.Replace(continuous, fault[0], fault[1], 1)
		require.NotEqual(t, continuous, broken)
		require.NotEmpty(t, valid(broken), fault[1])
	}
}

func TestPodsAreRestricted(t *testing.T) {
	pods := 0
	for _, m := range manifests(t) {
		p := m.podOf()
		if p == nil {
			continue
		}
		pods++
		require.NotNil(t, p.AutomountServiceAccountToken, m.file)
		require.False(t, *p.AutomountServiceAccountToken, m.file)
		require.True(t, p.SecurityContext.RunAsNonRoot, m.file)
		require.Equal(t, int64(65532), p.SecurityContext.RunAsUser, m.file) // the image's
		require.Equal(t, int64(65532), p.SecurityContext.FSGroup, m.file)   // it writes to volumes
		require.Equal(t, "RuntimeDefault", p.SecurityContext.SeccompProfile.Type, m.file)
		for _, c := range p.Containers {
			require.NotNil(t, c.SecurityContext.AllowPrivilegeEscalation, m.file)
			require.False(t, *c.SecurityContext.AllowPrivilegeEscalation, m.file)
			require.True(t, c.SecurityContext.ReadOnlyRootFilesystem, m.file)
			require.Equal(t, []string{"ALL"}, c.SecurityContext.Capabilities.Drop, m.file)
		}
	}
	require.Equal(t, 4, pods)
}

// What a manifest names is there: in the manifest, in another one, or made by the
// commands of README.md.
func TestManifestsNameOnlyWhatExists(t *testing.T) {
	readme := read(t, deploy+"/README.md")
	made := map[string]bool{}
	for _, m := range manifests(t) {
		made[m.Kind+" "+m.Metadata.Name] = true
	}
	for _, m := range manifests(t) {
		p := m.podOf()
		if p == nil {
			continue
		}
		volumes := map[string]bool{}
		for _, claim := range m.Spec.VolumeClaimTemplates {
			volumes[claim.Metadata.Name] = true
		}
		for _, v := range p.Volumes {
			volumes[v.Name] = true
			switch {
			case v.ConfigMap != nil && !made["ConfigMap "+v.ConfigMap.Name]:
				require.Contains(t, readme, "create configmap "+v.ConfigMap.Name+" ", m.file)
			case v.Secret != nil:
				require.Contains(t, readme, "create secret generic "+v.Secret.SecretName+" ", m.file)
			case v.PersistentVolumeClaim != nil:
				require.True(t, made["PersistentVolumeClaim "+v.PersistentVolumeClaim.ClaimName], m.file)
			}
		}
		for _, c := range p.Containers {
			for _, mount := range c.VolumeMounts {
				require.True(t, volumes[mount.Name], "%s mounts %s", m.file, mount.Name)
			}
			for _, from := range c.EnvFrom {
				require.Contains(t, readme, "create configmap "+from.ConfigMapRef.Name+" ", m.file)
			}
			if len(c.Ports) == 0 {
				continue
			}
			require.Equal(t, "/ready", c.ReadinessProbe.HTTPGet.Path, m.file)
			require.Equal(t, "/ping", c.LivenessProbe.HTTPGet.Path, m.file)
			require.Equal(t, c.Ports[0].Name, c.ReadinessProbe.HTTPGet.Port, m.file)
			require.Equal(t, c.Ports[0].Name, c.LivenessProbe.HTTPGet.Port, m.file)
		}
	}
}

func TestConfigsOfTheManifestsLint(t *testing.T) {
	configs := 0
	for _, m := range manifests(t) {
		for name, config := range m.Data {
			t.Run(m.file+" "+name, func(t *testing.T) {
				requireFields(t, config)
				lint(t, config)
			})
			configs++
		}
	}
	require.Positive(t, configs)
}

// requireFields skips the rest of a test whose config needs a field that the input
// of this build does not have yet.
func requireFields(t *testing.T, config string) {
	t.Helper()
	const field = "targets_input"
	if strings.Contains(config, field+":") && !strings.Contains(command(t, binary, "list", "--format", "jsonschema", "inputs"), field) {
		t.Skip("the input has no field " + field + " yet")
	}
}

// Each pod that needs the bucket alone runs in the image as its manifest says, and
// delivers.
func TestPodsDeliver(t *testing.T) {
	img := theImage(t)
	for _, m := range manifests(t) {
		p := m.podOf()
		if p == nil || m.file == "workers.yaml" { // which needs a broker
			continue
		}
		t.Run(m.file, func(t *testing.T) {
			env, secrets := emulate(t)
			data := dataFolder(t)
			volumes := map[string]string{
				"config": configFolder(t, read(t, deploy+"/pipeline.yaml")), "key": secrets, "data": data, "tmp": dataFolder(t),
			}
			c := p.Containers[0]
			var mounts []string
			for _, mount := range c.VolumeMounts {
				require.Contains(t, volumes, mount.Name)
				mounts = append(mounts, volumes[mount.Name]+":"+mount.MountPath)
			}
			env = append(env, "HTTP_ADDRESS="+freeAddress(t))
			for _, e := range c.Env {
				env = append(env, e.Name+"="+e.Value)
			}
			run := img.run(img.container(t), env, mounts, c.Args...)
			if m.Kind == "StatefulSet" { // runs until it is stopped
				background(t, "buildah", run...)
			} else {
				command(t, "buildah", run...)
			}
			require.Eventually(t, func() bool { return delivered(data) }, time.Minute, 100*time.Millisecond)
		})
	}
}

// The commands of README.md that name files here would work.
func TestFilesInCommandsOfTheREADMEExist(t *testing.T) {
	paths := regexp.MustCompile(`config/deploy/[\w./@-]+`).FindAllString(read(t, deploy+"/README.md"), -1)
	require.Greater(t, len(paths), 10)
	for _, path := range paths {
		require.FileExists(t, filepath.Join(root, strings.TrimSuffix(path, ".")))
	}
}
