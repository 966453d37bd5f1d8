// Package target knows the documents that name an object instead of holding its
// content: the references that one input sends and another reads, and what
// webhooks and queues send. It makes no request.
package target
