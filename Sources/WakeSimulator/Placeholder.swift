// WakeSimulator
