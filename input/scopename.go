package input

import (
	"github.com/seed75cbcda6/supabase-storage/input/internal/fleet"
	"github.com/seed75cbcda6/supabase-storage/input/internal/object"
)

// ScopeName names a bucket, and its project where there may be several, to people. Its
// method String gives the form for tables and lists, Short that form without the name of
// the project, and Sentence the form for sentences. IsProject and BucketIn tell what
// somebody means who types what they show.
//
//	Ref, Project  the reference and the name of the project, "" where there is one
//	Bucket        "" for a project whose buckets are not known
type ScopeName = object.ScopeName

func nameOf(p fleet.Project, bucket string) ScopeName {
	return ScopeName{Ref: p.Ref, Project: p.Name, Bucket: bucket}
}

// Name is that of the bucket.
func (s StateScope) Name() ScopeName {
	return ScopeName{Ref: s.ProjectRef, Project: s.ProjectName, Bucket: s.Bucket}
}

// String names the bucket, and the project where there may be several.
func (s StateScope) String() string { return s.Name().String() }

// Name is that of the bucket.
func (s ScopeReport) Name() ScopeName {
	return ScopeName{Ref: s.Project, Project: s.ProjectName, Bucket: s.Bucket}
}
