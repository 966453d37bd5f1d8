package listing

import "context"

// held is how many pages the listing holds.
func (s *schedule) held() int { return s.underWay + (s.kept+s.pageSize-1)/s.pageSize }

// hasRoom reports whether one more page may be asked for.
func (s *schedule) hasRoom(ctx context.Context) (bool, error) {
	if s.room == nil {
		return true, nil
	}
	held := s.held()
	if held == 0 {
		err := s.room.Next(ctx)
		return err == nil, err
	}
	s.full = !s.room.More(held + 1)
	return !s.full, nil
}

// done is called when the consumer is done with so many objects.
func (s *schedule) done(objects int) {
	s.kept -= objects
	s.roomLeft()
}

// roomLeft gives back what the listing has no use for.
func (s *schedule) roomLeft() {
	if s.room != nil {
		s.room.Keep(max(1, s.held()))
	}
}

// cut makes ranges of what the shares have listed so far. There is no room to wait for
// more of it, nothing is under way, and a listing that holds anything has to hand it on
// to get any further.
func (s *schedule) cut() {
	for _, sh := range s.shares {
		if len(sh.objs) > 0 {
			s.offer([]Range{sh.rangeTo(above(sh.after))})
			sh.grown = true
		}
	}
}
