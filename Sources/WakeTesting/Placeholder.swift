// WakeTesting
