//go:build !noparquet

package main

// Parquet, and with it protobuf, XML, MessagePack, AWK and JSONPath: the package
// that brings it brings all of them. Build with -tags noparquet to leave them out;
// README.md says how much smaller the binary is then.
import _ "github.com/redpanda-data/connect/v4/public/components/pure/extended"
