/* A stream with `delivery: at-least-once`: no epoch fences anybody. What keeps an old leader from storing a position
 * is time: the group gives a member up when it has not heard of it for session.timeout.ms, and a position is stored
 * only in the first three quarters of that.
 *
 * A process that is frozen is one that takes no step; its lease grows old meanwhile. */
#include "properties.h"

#ifndef EVENTS
#define EVENTS 2
#endif
#ifndef FAULTS
#define FAULTS 2
#endif
#ifndef EDITS
#define EDITS 0
#endif
/* 1: between a process's look at the group and its joining another one may look, or join. */
#ifndef LOOK_APART
#define LOOK_APART 0
#endif
/* 1: LeadershipState.mayStore and maySettle take the settling of a later term for that of the session's own, as the
 * code once did. */
#ifdef SEED_SETTLES_ANY_TERM
#define ANY_TERM 1
#else
#define ANY_TERM 0
#endif
/* 1: a process may freeze between the look at its lease and the record's arrival, for longer than the last quarter, or
 * than the group takes to form. */
#ifndef FREEZE_BETWEEN
#define FREEZE_BETWEEN 0
#endif

#define NOBODY 0
#define EDITOR 3

mtype = { none_lost, position_never_back, no_edit_overwritten, somebody_leads_in_the_end };
/* LeadershipState.Standing; at-least-once, who is cut off waits. */
mtype = { waiting, provisional, leading, standby };
/* How long ago the group has heard of a member: below three quarters of its session timeout, in the last quarter,
 * beyond it. */
mtype = { fresh, late, expired };
/* The edit's transaction. Once it is decided it is reported; its marker may be late. */
mtype = { noEdit, openEdit, decidedEdit };

/* --- The topic: every event up to `published` is there. */
byte published;
/* --- The positions topic: the newest record of all, and, while an edit's transaction hides it, the newest below the
 * last stable offset. */
byte stored, storedTag, visible, visibleTag, newestName = NOBODY;
mtype edit = noEdit;
/* The record of the edit is the newest, but not decided: what was newest before. */
byte former, formerTag;

/* --- The group. */
byte owner = NOBODY;
bool member[3], heard[3], over[3], inSession[3], settling[3], finishing[3], storing[3];
/* The session is of the term that settles. */
bool settles[3];
bool dead[4];
mtype standing[3], lease[3];
bool isEditorOld;

byte faults = FAULTS, alive = 2, started;

/* Nobody else can be leading: StreamLoop.isAlone, and StreamLeadership.mayHaveRival. The process begins before the group
 * has formed. */
#define LIVES(p) (member[p] && !dead[p])
#ifdef SEED_ALONE_WITHOUT_ASKING
#define HAS_RIVAL false
#else
#define HAS_RIVAL (LIVES(1) || LIVES(2) || owner == EDITOR)
#endif
#define IS_ALONE ((newestName == NOBODY || dead[newestName]) && !HAS_RIVAL)

#define MAY_BEGIN(p) (standing[p] == provisional || standing[p] == leading)
#define NEW_GENERATION(p) heard[1] = false; heard[2] = false; isEditorOld = (owner == EDITOR); owner = p

/* Who began before the group had formed, and has not heard its word since. */
#define IS_BEHIND(p) (standing[p] == provisional && !heard[p])

/* LeadershipState.mayStore */
#ifdef SEED_NO_TERM_BEFORE_POSITION
#define MAY_STORE(p) true
#define IS_OVER(p) false
#define SETTLES(p) settling[p]
#else
#define SETTLES(p) (settling[p] && (settles[p] || ANY_TERM))
#ifdef SEED_PROVISIONAL_STORES
#define IS_HELD(p) false
#else
#define IS_HELD(p) IS_BEHIND(p)
#endif
#define HOLDS_LEAD(p) (SETTLES(p) || finishing[p] || (MAY_BEGIN(p) && !over[p]))
#ifdef SEED_NO_LEASE
#define MAY_STORE(p) HOLDS_LEAD(p)
#else
#define MAY_STORE(p) (HOLDS_LEAD(p) && !IS_HELD(p) && lease[p] == fresh)
#endif
#define IS_OVER(p) (!HOLDS_LEAD(p))
#endif

/* The record of a position arrives. */
#define STORE_POSITION(me, position, tag) \
    HOLDS(position <= published, none_lost); \
    HOLDS(tag == storedTag, no_edit_overwritten); \
    HOLDS(position >= stored, position_never_back); \
    stored = position; storedTag = tag; newestName = me; \
    SAY2("%d: position %d is stored\n", me, position)

#define FAIL_OR_END(me) \
    storing[me] = false; settles[me] = false; finishing[me] = false; over[me] = false; inSession[me] = false; \
        base = 0; next = 0; acked = 0; tag = 0

proctype Bridge(byte me) {
    byte base, next, acked, tag;
    bool isAlone;
    {
        atomic { started == me - 1 -> started = me; isAlone = IS_ALONE; lease[me] = fresh;
#if LOOK_APART
            SAY2("%d: starts, alone: %d\n", me, isAlone) }
        atomic {
#endif
            member[me] = true;
            /* LeadershipState.joinsAlone: there is no word yet that it has not heard. */
            heard[me] = isAlone;
            if
            :: isAlone -> standing[me] = provisional; isAlone = false
            :: else -> skip
            fi;
            SAY2("%d: joins the group, %e\n", me, standing[me]) }
    again:
    end_await:
        /* StreamLeadership.awaitTerm; fence() does nothing. */
        atomic { MAY_BEGIN(me) -> inSession[me] = true; SAY2("%d: begins a session, %e\n", me, standing[me]) }
        /* PositionStore.read: up to the high watermark. */
#ifdef SEED_READ_TO_LAST_STABLE_OFFSET
        atomic { base = (edit == noEdit -> stored : former); tag = (edit == noEdit -> storedTag : formerTag);
#else
        atomic { edit == noEdit -> base = stored; tag = storedTag;
#endif
            next = base; acked = base; SAY2("%d: reads position %d\n", me, base) }
        /* AtLeastOncePublisher.claim */
        atomic {
            if
            :: MAY_STORE(me) -> storing[me] = true
            :: !(MAY_STORE(me)) && IS_OVER(me) -> goto ended
            :: else -> goto publish
            fi
        }
        atomic { storing[me] = false; STORE_POSITION(me, base, tag) }
    publish:
    end_idle:
        do
        /* publish(batch): the record is in the topic before its acknowledgement is here. An idempotent producer
         * keeps the order. */
        :: atomic { next < EVENTS && !over[me] ->
            next++;
            HOLDS(next <= published + 1, none_lost);
            published = (next > published -> next : published);
            SAY2("%d: publishes event %d\n", me, next) }
        :: atomic { acked < next -> acked = next }
        /* storeIfDue: what is acknowledged without a gap (AcknowledgementWindow), when the lease says so; */
#ifdef SEED_POSITION_BEFORE_RECORDS
        :: atomic { base < EVENTS && MAY_STORE(me) -> acked = next + 1; base = acked; storing[me] = true } goto arrive
#else
        :: atomic { base < acked && MAY_STORE(me) -> base = acked; storing[me] = true } goto arrive
#endif
        /* and the record on its way. */
        arrive: atomic { storing[me] = false; STORE_POSITION(me, base, tag) }
        /* An error of Kafka or MongoDB. */
        :: atomic { faults > 0 -> faults--; SAY1("%d: the session fails\n", me) } goto ended
        :: atomic { over[me] -> goto settle }
        od;
    settle:
        /* Term.maySettle; finish: waits for what is on its way, and stores the position once more. */
        atomic {
            if
            :: SETTLES(me) -> finishing[me] = true
            :: else -> goto ended
            fi
        }
        atomic { acked = next;
            if
            :: base < acked && MAY_STORE(me) -> base = acked; storing[me] = true
            :: else -> goto ended
            fi }
        atomic { storing[me] = false; STORE_POSITION(me, base, tag) }
    ended:
        atomic { FAIL_OR_END(me) }
        goto again
    } unless { dead[me] };
    atomic { member[me] = false; inSession[me] = false; storing[me] = false; base = 0; next = 0; acked = 0; tag = 0 }
}

/* The group forms anew when the leader has given its partition back, was not heard of for the whole timeout, or was
 * none; and a member joins it again only behind the last word. What a provisional leader has on its way arrives
 * before. */
#define GIVEN_UP(p) (owner != p || dead[p] || lease[p] == expired)
#define JOINS(p) (!LIVES(p) || lease[p] == expired || \
    (!IS_BEHIND(p) && (FREEZE_BETWEEN || !storing[p] || owner == p)))
#define JOINABLE (GIVEN_UP(1) && GIVEN_UP(2) && owner != EDITOR && JOINS(1) && JOINS(2))

#if EDITS
/* bridge positions set. */
proctype Editor() {
    byte target;
    {
        if
        :: target = 0
        :: target = EVENTS
        fi;
#ifndef SEED_EDIT_WITHOUT_LEAD
        /* LeadershipHold.take: without the group's word nothing is edited. The member comes first by its rank. */
        atomic { JOINABLE -> NEW_GENERATION(EDITOR); isEditorOld = false; SAY("editor: has the lead\n") }
#endif
        /* The fence, the former position, begin_transaction; vouch and send. Generation and commit are two requests. */
        atomic {
#ifndef SEED_EDIT_WITHOUT_LEAD
            if
            :: owner == EDITOR && !isEditorOld -> skip
            :: else -> SAY("editor: the lead has gone back\n"); goto done
            fi;
#endif
            former = stored; formerTag = storedTag; edit = openEdit;
            stored = target; storedTag = 1; SAY1("editor: appends position %d\n", target) }
        atomic { edit = decidedEdit; published = (target > published -> target : published);
            SAY("editor: the edit is reported\n") }
    } unless { dead[EDITOR] };
done:
    atomic { dead[EDITOR] = true; target = 0;
        /* Nobody ends the transaction of a process that died but its timeout. */
        if
        :: edit == openEdit -> stored = former; storedTag = formerTag; former = 0; formerTag = 0; edit = noEdit
        :: else -> skip
        fi;
        if
        :: owner == EDITOR -> owner = NOBODY
        :: else -> skip
        fi }
}
#endif

#define CAN_LEAD(p) (LIVES(p) && lease[p] != expired)
#define ELECT(p) :: CAN_LEAD(p) -> NEW_GENERATION(p); \
    SAY1("group: a new generation, led by %d\n", p)
#define ANY_MEMBER (CAN_LEAD(1) || CAN_LEAD(2))
#define MEMBER(p) \
    /* .assigned; settle() keeps the thread that hears it. A provisional leader hears the word also when the lead has \
     * been given back since. */ \
    :: atomic { LIVES(p) && !heard[p] && !settling[p] && (owner != NOBODY || standing[p] == provisional) -> \
        heard[p] = true; \
        if \
        :: owner == p -> standing[p] = leading \
        :: else -> over[p] = over[p] || inSession[p]; standing[p] = standby \
        fi; \
        SAY2("%d: hears the group, %e\n", p, standing[p]) } \
    /* .revoked: the leader is asked for its partition (a member came). LeadershipState.revoked */ \
    :: atomic { owner == p && heard[p] && !dead[p] && standing[p] == leading && lease[p] != expired && \
        (faults > 0 || EDITOR_WAITS) -> \
        if \
        :: EDITOR_WAITS \
        :: !(EDITOR_WAITS) -> faults-- \
        fi; \
        standing[p] = waiting; settles[p] = inSession[p] && !over[p]; over[p] = inSession[p]; settling[p] = true; \
            SAY1("%d: is asked for the lead\n", p) } \
    /* settle: the session has ended, and the partition goes back. */ \
    :: atomic { settling[p] && !dead[p] && !inSession[p] -> settling[p] = false; \
        if \
        :: owner == p -> owner = NOBODY; SAY1("%d: gives the lead back\n", p) \
        :: else -> skip \
        fi } \
    /* A session that takes too long is left alone; one that stores its position is waited for once more. */ \
    :: atomic { faults > 0 && settling[p] && !dead[p] && inSession[p] && \
        (FREEZE_BETWEEN || !(finishing[p] || storing[p])) -> \
        faults--; settling[p] = false; \
        if \
        :: owner == p -> owner = NOBODY \
        :: else -> skip \
        fi; \
        SAY1("%d: gives the lead back amid its session\n", p) } \
    /* .revoked(isLost: true): the process hears that it was given up. LeadershipState.lost */ \
    :: atomic { LIVES(p) && !settling[p] && lease[p] == expired && MAY_BEGIN(p) -> \
        standing[p] = waiting; over[p] = inSession[p]; SAY1("%d: is given up by the group\n", p) } \
    /* LeadershipState.runs */ \
    :: atomic { standing[p] == provisional && !dead[p] && lease[p] != fresh -> standing[p] = waiting; \
        over[p] = inSession[p] } \
    /* It freezes, or its network does, for most of the timeout, */ \
    :: atomic { faults > 0 && LIVES(p) && lease[p] == fresh && inSession[p] -> faults--; \
        lease[p] = late; SAY1("%d: was not heard of for long\n", p) } \
    /* is heard of again, */ \
    :: atomic { !dead[p] && lease[p] == late -> lease[p] = fresh } \
    /* or is not. A record needs less than the last quarter. */ \
    :: atomic { !dead[p] && lease[p] == late && (FREEZE_BETWEEN || !storing[p]) -> lease[p] = expired; \
        SAY1("%d: the group has not heard of it for its timeout\n", p) } \
    /* A member again: when its loss was heard and answered (rd_kafka_assign). Its first sign comes with its second \
     * heartbeat, which is later than a session that ends waits. */ \
    :: atomic { LIVES(p) && lease[p] == expired && !MAY_BEGIN(p) && !settling[p] && \
        !finishing[p] -> lease[p] = fresh; heard[p] = false; \
        if \
        :: owner == p -> owner = NOBODY \
        :: else -> skip \
        fi } \
    :: atomic { faults > 0 && alive > 1 && LIVES(p) -> faults--; alive--; dead[p] = true; \
        SAY1("%d: killed\n", p) }

#if EDITS
/* A member with a better rank joins. */
#define EDITOR_WAITS (!dead[EDITOR] && owner != EDITOR && edit == noEdit)
#else
#define EDITOR_WAITS false
#endif

proctype Environment() {
end:
    do
    :: atomic { JOINABLE && ANY_MEMBER -> if ELECT(1) ELECT(2) fi }
    MEMBER(1)
    MEMBER(2)
#if EDITS
    /* WriteTxnMarkers, late. */
    :: atomic { edit == decidedEdit -> edit = noEdit; former = 0; formerTag = 0 }
    :: atomic { faults > 0 && owner == EDITOR -> faults--; owner = NOBODY; SAY("group: the editor is given up\n") }
    :: atomic { faults > 0 && !dead[EDITOR] -> faults--; dead[EDITOR] = true; SAY("editor: killed\n") }
#endif
    od
}

init {
    atomic {
        standing[1] = waiting; standing[2] = waiting; lease[1] = fresh; lease[2] = fresh;
        run Environment(); run Bridge(1); run Bridge(2);
#if EDITS
        run Editor()
#endif
    };
    timeout -> HOLDS(published == EVENTS && stored == EVENTS, somebody_leads_in_the_end)
}
