// WakeService
