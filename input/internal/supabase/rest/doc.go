// Package rest makes single JSON requests to the HTTP APIs of Supabase from
// which keys come: the Management API and Auth. It retries nothing, follows no
// redirect, reads no more than a bounded part of an answer, and says of every
// failure in the words of package bucket whether it may pass.
//
//	client.go   Client: one request, one decoded answer
//	refusal.go  what an answer means that is none, and how long to wait
package rest
