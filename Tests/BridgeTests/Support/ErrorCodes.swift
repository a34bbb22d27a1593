import StreamBridge

/// Swift Testing has a type of that name, too.
typealias ExitStatus = StreamBridge.ExitStatus
