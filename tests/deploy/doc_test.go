// Package deploy_test tests config/deploy: it builds the image and runs it, makes a
// release and unpacks it, and checks units, manifests, chart values and the compose
// file, each with the tool of those who read them.
//
//	main_test.go        what all tests share: the root of the image, the emulator
//	image_test.go       the image, built and run by buildah, without a daemon
//	kubernetes_test.go  the manifests: kubeconform, and each container run in the image
//	schema_test.go      the schemas for kubeconform, from Kubernetes' own module
//	helm_test.go        values for the chart of Redpanda Connect
//	compose_test.go     compose.yaml and what it mounts
//	release_test.go     archives, packages, checksums: the same twice
//	systemd_test.go     the units as the Debian package installs them
//
// It is a module of its own, so that these tools are none of the product's
// dependencies, and needs Linux, root, buildah and systemd-analyze. run.sh installs
// what is missing and runs the tests.
package deploy_test
