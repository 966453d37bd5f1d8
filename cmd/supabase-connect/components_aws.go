//go:build !noaws

package main

// The aws components bring the aws_s3 output and the s3 and DynamoDB caches;
// they are also most of the binary's size, and carry files under the Redpanda
// Community License (see NOTICE). Build with -tags noaws to leave them out.
import _ "github.com/redpanda-data/connect/v4/public/components/aws"
