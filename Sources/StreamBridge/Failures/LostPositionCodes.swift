/// The server's codes for a position that it does not resume (error_codes.yml, and the asserts of its sources).
enum LostPositionCodes {
    /// History lost, and its older forms.
    static let forgotten: Set<Int32> = [286, 136, 464, 40576, 40615]
    /// A token that the server can read and does not accept.
    static let refused: Set<Int32> = [280, 260, 40585]
    /// No token, no KeyString (the asserts of the server's key_string.cpp), or a truncated one (Overflow).
    static let unreadable = Set<Int32>([40647, 40649, 15]).union(50810...50850)
}
