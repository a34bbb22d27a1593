/* What every model shares. */

/* A named property. Its name is in the trace, and spec/check compares it with the one that a seed has to break. */
#define HOLDS(condition, name) \
    if \
    :: (condition) -> skip \
    :: else -> printf("VIOLATED %e\n", name); assert(false) \
    fi

/* A line of the trace. A verification does not run it. */
#define SAY(text) printf(text)
#define SAY1(text, a) printf(text, a)
#define SAY2(text, a, b) printf(text, a, b)
