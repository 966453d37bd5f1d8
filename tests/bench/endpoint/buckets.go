package endpoint

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
)

// BucketName is the name of bucket i of so many.
func BucketName(i, of int) string {
	if of <= 1 {
		return Bucket
	}
	return fmt.Sprintf("%s-%03d", Bucket, i)
}

// bucket finds the bucket with the name.
func (s *Server) bucket(name string) (i int, ok bool) {
	of := s.o.buckets()
	if of > 1 {
		i, _ = strconv.Atoi(strings.TrimPrefix(name, Bucket+"-")) // an error is another name
	}
	return i, i >= 0 && i < of && BucketName(i, of) == name
}

func (o Options) buckets() int { return max(o.Buckets, 1) }

// perBucket is how many objects each bucket has.
func (o Options) perBucket() int { return o.Objects / o.buckets() }

// listBuckets answers with the names of all buckets.
func (x *exchange) listBuckets() bool {
	b := []byte(`<?xml version="1.0" encoding="UTF-8"?><ListAllMyBucketsResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Buckets>`)
	for i := range x.server.o.buckets() {
		b = append(b, "<Bucket>"...)
		b = element(b, "Name", BucketName(i, x.server.o.buckets()))
		b = append(element(b, "CreationDate", modifiedXML), "</Bucket>"...)
	}
	return x.document(http.StatusOK, typeXML, append(b, "</Buckets></ListAllMyBucketsResult>"...))
}
