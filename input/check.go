package input

import (
	"context"
	"net/http"

	"github.com/redpanda-data/benthos/v4/public/service"

	"github.com/seed75cbcda6/supabase-storage/input/internal/check"
	"github.com/seed75cbcda6/supabase-storage/input/internal/config"
	"github.com/seed75cbcda6/supabase-storage/input/internal/poll"
	"github.com/seed75cbcda6/supabase-storage/input/internal/state"
)

// CheckOptions say how far a check goes.
type CheckOptions struct {
	// Limit is how many objects are listed at most; 10,000 if it is not set.
	Limit int
	// First is how many of the objects that would be delivered the report names;
	// 10 if it is not set.
	First int
	// Explain holds whole keys: for each the report says whether it would be
	// delivered, and why.
	Explain []string
	// Target is a message of targets_input: the report says what would become of
	// it. Nil asks for nothing.
	Target []byte
	// Bucket and Project restrict the check of an input that reads several to one
	// bucket, and to one project by its reference or its name, as they are typed: see
	// [ScopeName]. "" restricts nothing.
	// Explain and Target need one bucket: set Bucket where the input reads several
	// buckets, and Project where it reads several projects.
	Bucket, Project string
	// StatesOfOthers maps the state.path of other inputs of the same pipeline,
	// cleaned by [path/filepath.Clean], to the names of these: no two can have the
	// same.
	StatesOfOthers map[string]string
	// OnStep, which may be nil, hears of each step as soon as it is done.
	OnStep func(CheckStep)
	// OnListed, which may be nil, hears after each page of the listing how many objects
	// were listed so far.
	OnListed func(n int64)
	// OnScope, which may be nil, hears after each of several buckets how many are done,
	// of those that are known by then.
	OnScope func(done, known int)

	// transport replaces the one to the network in tests.
	transport http.RoundTripper
}

// Check tests each step that a run of an input depends on, and finds out what
// it would deliver. It delivers nothing, and writes to nothing: a state file is
// looked at in a copy, so that a pipeline may use it meanwhile, and a cache is
// only read. It takes five minutes at most, and a second more for each of several
// projects.
//
// Where an input reads several buckets, each is checked, some at the same time. They
// share Limit, and of each at least a thousand objects are listed if Limit is not less.
// A bucket that answers slowly does not delay the others.
//
// A pass that would find nothing to deliver is a warning and no failure, as it
// is for a run.
func Check(ctx context.Context, parsed *service.ParsedConfig, res *service.Resources, o CheckOptions) *CheckReport {
	return check.Run(ctx, parsed, res, check.Options{
		Limit: o.Limit, First: o.First, Explain: o.Explain, Target: o.Target, Bucket: o.Bucket, Project: o.Project,
		StatesOfOthers: o.StatesOfOthers, OnStep: o.OnStep, OnListed: o.OnListed, OnScope: o.OnScope,
		Transport: o.transport, OpenCache: state.OpenCache, LongestPause: poll.LongestPause,
	})
}

// FailedCheck is the report on a config that is not good enough for a [Check]
// to begin. Errors that were joined are problems of their own, and those of [Lint]
// are shown by field.
func FailedCheck(err error, onStep func(CheckStep)) *CheckReport { return check.Unfit(err, onStep) }

// Lint returns what the lint rules of the input find in its fields, as YAML has
// them, one error for each. The linters of Benthos give the texts of the same errors,
// and the line in place of the field. What they find by themselves, such as a field
// that does not exist, is not among them.
func Lint(fields map[string]any) []error {
	problems := config.Lint(fields)
	errs := make([]error, len(problems))
	for i, p := range problems {
		errs[i] = p
	}
	return errs
}

type (
	// CheckReport is what a check of one input found:
	//
	//	OK         whether a run would work: no step failed
	//	Steps      the steps that were made, in their order
	//	Scopes     the buckets of an input that reads several; nil for one, as are the
	//	           following with several
	//	Sample     what a run would deliver; nil where nothing could be listed
	//	Explained  one element for each of CheckOptions.Explain; empty where the
	//	           bucket could not be asked
	//	Targets    what would become of CheckOptions.Target; nil where there is none,
	//	           or the bucket could not be asked
	//
	// Its method Failed names the steps that failed.
	CheckReport = check.Report

	// CheckScope is what was found of one bucket of several. Its methods Problems and
	// Found say what is wrong with it, and what was found last.
	//
	//	Project, ProjectName  the reference and the name, "" where there is one project
	//	Bucket                "" for a project whose buckets are not known, or that has
	//	                      none that source_path names
	//	Status                the worst of the steps'
	//	Role, Plane           the role that the keys have on the server, and what
	//	                      requests go over: "S3 protocol" or "Storage REST API"; ""
	//	                      where no keys could be obtained
	//	Steps, Sample         as in CheckReport
	CheckScope = check.Scope

	// CheckStep is one thing that was tested. No secret is in it.
	//
	//	Name      one of the CheckStep constants
	//	Status    how it ended
	//	Found     in a line what was found, or why the step was skipped
	//	Problems  those of a step that failed, or warns
	CheckStep = check.Step

	// CheckStatus is how a step of a check ended.
	CheckStatus = check.Status

	// CheckProblem is what is wrong, and what to do about it. Its method String
	// gives all of it in a line.
	//
	//	Field    the path of the field that is the likely cause, or ""
	//	Problem  what is wrong
	//	Remedy   what to do about it, or ""
	//	Cause    what the server or the system answered, or ""
	CheckProblem = check.Problem

	// CheckSample is what a run would do with the objects that were listed. Listed
	// is Due and the sum of LeftOut.
	//
	//	Listed, Complete  how many objects were listed, and whether that is all
	//	Due, First        how many would be delivered, and the first of them
	//	IfNamed           whether that is so only if a message of targets_input names them
	//	LeftOut           why the others would not be, the most frequent reason first
	//	StateUnread       whether some of what counts as due may have been delivered
	//	                  before, because the state could not be read
	//	TypesUnknown      how many of what counts as due content_types may leave out:
	//	                  their type is not in the listing
	CheckSample = check.Sample

	// CheckObject is an object that would be delivered: its Key, Size in bytes,
	// LastModified, and Event, which is "created" or "updated".
	CheckObject = check.Object

	// CheckLeftOut is one reason why objects would not be delivered.
	//
	//	Rule      one of the rules of the metric supabase_storage_filtered, or
	//	          "delivered", "parked", "unreadable_key", "odd_entry"
	//	Pattern   the exclude pattern that decided, as it was written and where
	//	Count     how many objects these are
	//	FirstKey  the first of them; a delivered one is not named
	//	Reason    why that one is parked or odd
	CheckLeftOut = check.LeftOut

	// CheckExplanation says of one key whether it would be delivered.
	//
	//	Key, Verdict, Why   one of the constants below, and a sentence on it
	//	Listed              whether the object exists and is visible; Size, ETag and
	//	                    LastModified are then those of the listing
	//	Rule, Pattern       the rule of the filter that leaves the object out, and
	//	                    the pattern that decided
	//	Delivered, Parked   what the state knows of it
	//	Readable, Problem   whether its content could be read, and why not
	CheckExplanation = check.Explanation

	// CheckTargets say what would become of a message of targets_input.
	//
	//	Named, Explained  how many objects the message names, and the first 100 of them
	//	Problem           what in the message names no object, and the remedy
	CheckTargets = check.Targets

	// CheckTarget is what would become of an object that a message names: an
	// Explanation, and what the message tells.
	//
	//	ProjectRef, Bucket, Event  "" where the message does not tell
	CheckTarget = check.Target

	// CheckParking is an object that could not be delivered so far: the Reason, how
	// many Attempts were made, and when the Next is due.
	CheckParking = check.Parking
)

// The values of CheckStep.Status.
const (
	// CheckOK means that what was tested is as a run needs it.
	CheckOK = check.OK
	// CheckWarning means that a run would work, and perhaps not do what was
	// meant: it would find nothing to deliver, say.
	CheckWarning = check.Warning
	// CheckFailed means that a run would fail.
	CheckFailed = check.Failed
	// CheckSkipped means that nothing was tested, because there was nothing to
	// test, or because an earlier step failed.
	CheckSkipped = check.Skipped
)

// The names of the steps, in their order: those of a bucket first.
const (
	CheckStepConfig      = check.StepConfig
	CheckStepHost        = check.StepHost
	CheckStepCredentials = check.StepCredentials
	CheckStepRegion      = check.StepRegion
	CheckStepBucket      = check.StepBucket
	CheckStepPrefix      = check.StepPrefix
	CheckStepPatterns    = check.StepPatterns
	CheckStepState       = check.StepState
	CheckStepDownload    = check.StepDownload

	// CheckStepProjects and CheckStepBuckets are there only where several projects or
	// buckets are read. The second comes last, and sums up the Scopes.
	CheckStepProjects = check.StepProjects
	CheckStepBuckets  = check.StepBuckets
)

// The values of CheckExplanation.Verdict.
const (
	// CheckDue means that a run would deliver the object.
	CheckDue = check.Due
	// CheckOutside means that the key is not below the prefix of source_path.
	CheckOutside = check.Outside
	// CheckMissing means that no such key is listed.
	CheckMissing = check.Missing
	// CheckFiltered means that a pattern or a limit leaves the object out.
	CheckFiltered = check.Filtered
	// CheckDelivered means that this version was delivered before.
	CheckDelivered = check.Delivered
	// CheckParked means that the object could not be delivered before and waits
	// for another attempt.
	CheckParked = check.Parked
	// CheckUnreadable means that the object is due, and can't be read.
	CheckUnreadable = check.Unreadable
	// CheckElsewhere means that a target is in another bucket or project.
	CheckElsewhere = check.Elsewhere
	// CheckGone means that a target says that its object was deleted, and the object is
	// not listed: a deletion would be delivered.
	CheckGone = check.Gone
	// CheckUnknown means that a request or the state failed on the way.
	CheckUnknown = check.Unknown
)
