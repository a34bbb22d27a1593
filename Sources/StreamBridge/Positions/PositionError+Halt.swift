extension PositionError: HaltingError {
    func halt(ofStream stream: String, bridge: String) -> Halt {
        Halt(reason: "\(self)", remedy: remedy(stream: stream, bridge: bridge), status: .lostPosition)
    }
}
