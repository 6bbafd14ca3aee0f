// WakeCore
