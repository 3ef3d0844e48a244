package kernel

// Peak is the operations a second of a register loop in a format on the calling core.
func Peak(f Format) float64 { return PeakFMA() }
