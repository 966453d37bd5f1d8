// Package rest is a client for one bucket of Supabase Storage over its REST API:
// the plane of projects whose keys the S3 protocol does not take.
package rest
