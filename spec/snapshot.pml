/* A snapshot beside its stream, exactly once: two documents are copied while they are changed. A consumer applies
 * the records of each key in their order, and deltas only to what it has.
 *
 * The three threads of a session are guarded steps of one process: the reader, the copier, the publisher. A crash
 * takes all of them. */
#include "properties.h"

#ifndef EVENTS
#define EVENTS 3
#endif
/* Crashes, and marks that are given up. */
#ifndef FAULTS
#define FAULTS 2
#endif

#define DOCUMENTS 2
/* A document that the consumer does not have. */
#define NONE 255

mtype = { delta_fits, each_document_once, no_document_left_out, copy_agrees };

/* --- MongoDB: after event T, how often each document was changed; whether event T and the next have one cluster
 * time (a transaction). */
byte written;
byte version0[EVENTS + 1], version1[EVENTS + 1];
bool isAmid[EVENTS + 1];
/* --- What is committed in Kafka: the position with its progress (the next document to copy), and what the consumer
 * makes of the records. */
byte position, progress, have0 = NONE, have1 = NONE;
bool copied0, copied1;
/* --- The same with the open transaction. */
byte at, taken, had0 = NONE, had1 = NONE;
bool took0, took1;
/* --- The session. BatchHandoff: batches by their last event, and whether a mark came with them. */
byte read, queued, end0, end1;
bool marked0, marked1;
/* SnapshotCopier: marks by their time plus 1, the oldest first; whether one gets no more reads; where the next read
 * begins. */
byte mark0, mark1, next;
bool closed0, closed1;
/* What was read, and as of which time; the read on its way. */
byte chunkTime[DOCUMENTS], chunkVersion[DOCUMENTS];
bool reading, isWanted;
byte readTime, readVersion;
/* The publisher is at the oldest mark. */
bool isAtMark;

byte faults = FAULTS;

#define VERSION(document, time) (document == 0 -> version0[time] : version1[time])

#define PUBLISH_DOCUMENT(document, version) \
    if \
    :: document == 0 -> HOLDS(!took0, each_document_once); took0 = true; had0 = version \
    :: else -> HOLDS(!took1, each_document_once); took1 = true; had1 = version \
    fi; \
    SAY2("publishes document %d with %d changes", document, version); SAY1(" behind event %d\n", at)

/* The next event goes out; its delta makes the version of its document that it came with. */
#define PUBLISH_EVENT \
    at++; \
    SAY1("publishes event %d\n", at); \
    if \
    :: version0[at] != version0[at - 1] && had0 != NONE -> HOLDS(had0 + 1 == version0[at], delta_fits); \
        had0 = version0[at] \
    :: version1[at] != version1[at - 1] && had1 != NONE -> HOLDS(had1 + 1 == version1[at], delta_fits); \
        had1 = version1[at] \
    :: else -> skip \
    fi

#define WRITE(amid) \
    written++; isAmid[written] = amid; \
    if \
    :: version0[written] = version0[written - 1] + 1; version1[written] = version1[written - 1] \
    :: version1[written] = version1[written - 1] + 1; version0[written] = version0[written - 1] \
    fi; \
    SAY2("event %d: document %d changes\n", written, (version0[written] != version0[written - 1] -> 0 : 1))

/* SnapshotCopier.State.startAnew: marks and what was read for them. */
#ifdef SEED_NEXT_READ_STAYS
#define START_ANEW taken = next; DROP_MARKS
#else
#ifdef SEED_DOCUMENTS_OUTLIVE_THEIR_MARK
#define START_ANEW mark0 = 0; mark1 = 0; closed0 = false; closed1 = false; marked0 = false; marked1 = false; \
    isAtMark = false
#else
#define START_ANEW next = taken; DROP_MARKS
#endif
#endif
#define DROP_MARKS \
    chunkTime[0] = 0; chunkTime[1] = 0; chunkVersion[0] = 0; chunkVersion[1] = 0; \
    mark0 = 0; mark1 = 0; closed0 = false; closed1 = false; marked0 = false; marked1 = false; isAtMark = false; \
        isWanted = false

/* SnapshotPoint: no mark between events of one cluster time. */
#ifdef SEED_MARK_AMID_TRANSACTION
#define IS_POINT(time) true
#else
#define IS_POINT(time) (!isAmid[time])
#endif
/* atClusterTime: T reads all changes of that cluster time. */
#ifdef SEED_READ_NOW
#define READ_AS_OF(time) written
#else
#define READ_AS_OF(time) (isAmid[time] -> time + 1 : time)
#endif

#ifdef SEED_DOCUMENTS_OUTLIVE_THEIR_MARK
#define IS_OF_MARK true
#else
#define IS_OF_MARK chunkTime[taken] == mark0
#endif

#define OFFER_MARK \
    if \
    :: true \
    :: IS_POINT(read) && mark1 == 0 && next < DOCUMENTS -> \
        if \
        :: mark0 == 0 -> mark0 = read + 1 \
        :: else -> mark1 = read + 1 \
        fi; \
        if \
        :: queued == 1 -> marked0 = true \
        :: else -> marked1 = true \
        fi; \
        SAY1("offers a mark behind event %d\n", read) \
    fi

#define PUT(last) \
    queued++; \
    if \
    :: queued == 1 -> end0 = last \
    :: else -> end1 = last \
    fi

active proctype Server() {
end:
    do
    :: atomic { written < EVENTS -> WRITE(false) }
    /* A transaction of two events. */
    :: atomic { written + 2 <= EVENTS -> WRITE(true); WRITE(false) }
    od
}

active proctype Session() {
end:
    do
    /* ChangeStreamReader: a batch; one that is full, or ends where more may come, offers no mark. */
    :: atomic { queued < 2 && read < written ->
        if
        :: read++
        :: read + 1 < written -> read = written
        fi;
        PUT(read);
        OFFER_MARK }
    /* An idle stream comes to its next point. */
    :: atomic { queued == 0 && read == written && mark0 == 0 && !isAtMark && IS_POINT(read) && next < DOCUMENTS ->
        PUT(read); marked0 = true; mark0 = read + 1; SAY1("offers a mark behind event %d\n", read) }

    /* SnapshotCopier.run: the next document, as of the oldest mark that wants reads; the answer is used when nobody
     * has given the mark up. */
    :: atomic { !reading && next < DOCUMENTS && ((mark0 > 0 && !closed0) || (mark1 > 0 && !closed1)) ->
        reading = true; isWanted = true;
        readTime = (mark0 > 0 && !closed0 -> mark0 : mark1);
        readVersion = VERSION(next, READ_AS_OF(readTime - 1)) }
    :: atomic { reading ->
        if
#ifdef SEED_DOCUMENTS_OUTLIVE_THEIR_MARK
        :: true ->
#else
        :: isWanted ->
#endif
            chunkTime[next] = readTime; chunkVersion[next] = readVersion;
                SAY2("reads document %d as of event %d\n", next, readTime - 1);
            next++;
            if
            :: next == DOCUMENTS -> closed0 = mark0 > 0; closed1 = mark1 > 0
            :: next < DOCUMENTS && readTime == mark0 -> closed0 = true
            :: next < DOCUMENTS && readTime == mark1 && closed0 -> closed1 = true
            :: next < DOCUMENTS -> skip
            fi
#ifndef SEED_DOCUMENTS_OUTLIVE_THEIR_MARK
        :: !isWanted -> skip
#endif
        fi;
        reading = false; isWanted = false; readTime = 0; readVersion = 0 }

    /* EventPump: the events of a batch, then its mark. */
    :: atomic { !isAtMark && queued > 0 && at < end0 -> PUBLISH_EVENT }
    :: atomic { !isAtMark && queued > 0 && at == end0 ->
        isAtMark = marked0;
        queued--; end0 = end1; marked0 = marked1; end1 = 0; marked1 = false }
    /* SnapshotRun.publish, SnapshotCopier.take */
#ifdef SEED_DOCUMENTS_BEFORE_EVENTS
    :: atomic { mark0 > 0 && taken < next && IS_OF_MARK ->
#else
    :: atomic { isAtMark && taken < next && IS_OF_MARK ->
#endif
#ifdef SEED_PROGRESS_BEFORE_DOCUMENTS
        taken++; SAY1("seals the progress behind document %d\n", taken - 1) }
        atomic {
            if
            :: true
            :: position = at; progress = taken; have0 = had0; have1 = had1; copied0 = took0; copied1 = took1;
                SAY("commits\n")
            fi;
            if
            :: faults > 0 -> faults--; goto crash
            :: true
            fi;
            taken--;
            PUBLISH_DOCUMENT(taken, chunkVersion[taken]); taken++
        }
#else
        PUBLISH_DOCUMENT(taken, chunkVersion[taken]); taken++ }
#endif
    :: atomic { isAtMark && closed0 && !(taken < next && chunkTime[taken] == mark0) ->
        isAtMark = false; mark0 = mark1; closed0 = closed1; mark1 = 0; closed1 = false }
    /* giveWay: events wait for too long. */
    :: atomic { faults > 0 && isAtMark && !(taken < next && IS_OF_MARK) -> faults--; START_ANEW;
        SAY("gives the marks up\n") }
    /* A read that fails gives them up as well. */
    :: atomic { faults > 0 && reading -> faults--; START_ANEW; SAY("a read fails\n") }

    /* EventPump.seal and the commit: records, position and progress; not amid a transaction. */
    :: atomic { (position != at || progress != taken) && !isAmid[at] ->
        position = at; have0 = had0; have1 = had1; copied0 = took0; copied1 = took1;
#ifndef SEED_POSITION_WITHOUT_PROGRESS
        progress = taken;
#else
        if
        :: taken == DOCUMENTS -> progress = taken
        :: else -> skip
        fi;
#endif
        SAY2("commits position %d, progress %d\n", position, progress) }

    /* kill -9. What is not committed is aborted by the next session's fence, which reads the position. */
    :: atomic { faults > 0 -> faults--; goto crash }
    od;
crash:
    atomic {
        SAY("killed, and started again\n");
        at = position; read = position; taken = progress; next = progress;
        had0 = have0; had1 = have1; took0 = copied0; took1 = copied1;
        queued = 0; end0 = 0; end1 = 0; reading = false; readTime = 0; readVersion = 0; DROP_MARKS
    }
    goto end
}

init {
    timeout ->
    HOLDS(took0 && took1, no_document_left_out);
    HOLDS(at == EVENTS && had0 == version0[at] && had1 == version1[at], copy_agrees)
}
