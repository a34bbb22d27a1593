/* A stream with `delivery: exactly-once`: its processes, the broker's transactions, the group, the positions topic,
 * and an edit.
 *
 * One step is one call, or one thing that a broker does; the comment names it. A process that is frozen is one that
 * takes no step: the model stops it anywhere and for as long as it likes, because nothing but the death of a process
 * ever has to come first. */
#include "properties.h"

#ifndef PROCESSES
#define PROCESSES 2
#endif
#ifndef EVENTS
#define EVENTS 2
#endif
/* How often the environment may strike, whatever it does; at least one process stays alive. */
#ifndef FAULTS
#define FAULTS 2
#endif
/* 1: somebody edits the position. */
#ifndef EDITS
#define EDITS 0
#endif

#define NOBODY 0
#define EDITOR (PROCESSES + 1)

/* The transaction coordinator's states: Empty and Complete…, Ongoing, PrepareCommit, PrepareAbort. */
mtype = { complete, open, committing, aborting };
/* LeadershipState.Standing */
/* Properties. */
mtype = { none_lost, none_twice, position_never_back, no_edit_overwritten, no_old_generation_publishes, somebody_leads_in_the_end };
mtype = { waiting, provisional, leading, cutOff, standby };

/* --- The transactional id bridge.<name>.<stream> at its coordinator. */
mtype transaction = complete;
/* Who has the newest producer epoch. A process begins each session with a new one, so whose it is says as much as
 * its number. */
byte holder = NOBODY;
/* The partitions of the transaction whose marker is not written yet. */
bool dataIn, positionIn;
/* --- The events' partition: whose epoch has an open transaction there. The leader of a partition accepts nothing
 * from others, and does not ask the coordinator: it learns of a newer epoch by the marker. */
byte dataWriter = NOBODY;
/* Events in the open transaction, and what a reader of committed records has to get next. */
byte firstOpen, lastOpen;
byte expected = 1;
/* --- The positions topic: what is committed, what is in the open transaction, and the newest record whatever became
 * of it. */
byte stored, storedTag;
byte openPosition, openTag;
bool openIsEdit;
byte newestName = NOBODY;
#ifdef SEED_READ_UNCOMMITTED
byte newest, newestTag;
#endif
/* Another stream's transaction is open in the same partition, and hides what is behind it (the last stable offset). */
bool hiding;
#ifdef SEED_READ_TO_LAST_STABLE_OFFSET
byte visible, visibleTag;
#endif

/* --- The group bridge.<name>.<stream>: who has the lead in its newest generation. Generations are not counted: what
 * matters is which is the newest. */
byte owner = NOBODY;
bool member[PROCESSES + 1];
/* The process has heard of the newest generation, and what it makes of what it has heard. */
bool heard[PROCESSES + 1];
mtype standing[PROCESSES + 1];
/* The generation that a session (or an edit) vouches with. */
#define NO_GENERATION 0
#define NEWEST_GENERATION 1
#define OLD_GENERATION 2
byte vouched[PROCESSES + 2];
bool inSession[PROCESSES + 1];
/* The term of the running session is over. */
bool over[PROCESSES + 1];
bool dead[PROCESSES + 2];

byte faults = FAULTS, alive = PROCESSES, started;
/* What a seed needs once, beside the faults: so its search stays small. */
#if defined(SEED_LOST_ANSWER_IS_FAILURE) || defined(SEED_READ_TO_LAST_STABLE_OFFSET)
bool isSpent;
#define MAY_STRIKE !isSpent
#define STRIKE isSpent = true
#else
#define MAY_STRIKE (faults > 0)
#define STRIKE faults--
#endif
/* Monitor: a session of the newest generation has begun. */
bool begun;

#define MAY_BEGIN(p) (standing[p] == provisional || standing[p] == leading)
#define MAY_GO_ON(p) (MAY_BEGIN(p) || standing[p] == cutOff)

#if PROCESSES == 3
#define EACH_PROCESS(action) action(1) action(2) action(3)
#else
#define EACH_PROCESS(action) action(1) action(2)
#endif
#define AGE(p) heard[p] = false; vouched[p] = (vouched[p] == NEWEST_GENERATION -> OLD_GENERATION : vouched[p]);
#define NEW_GENERATION(p) \
    EACH_PROCESS(AGE) \
    vouched[EDITOR] = (vouched[EDITOR] == NEWEST_GENERATION -> OLD_GENERATION : vouched[EDITOR]); \
    begun = false; \
    owner = p

/* rd_kafka_init_transactions: InitProducerId. An open transaction is aborted with a newer epoch;
 * CONCURRENT_TRANSACTIONS is answered, and the call made again, until all its markers are written. `give_up`:
 * TransactionalPublisher.again checks the term before it calls again. */
#define INIT_TRANSACTIONS(me, give_up, label) \
    do \
    :: atomic { transaction == open && !(isTold && give_up) -> isTold = true; transaction = aborting; \
        holder = NOBODY; SAY1("%d: InitProducerId aborts what is open\n", me) } \
    :: atomic { transaction == complete -> holder = me; isTold = false; SAY1("%d: has the newest epoch\n", me) } break \
    :: give_up -> goto label \
    od

/* AddPartitionsToTxn, AddOffsetsToTxn: the coordinator compares epochs. CONCURRENT_TRANSACTIONS while markers are
 * missing: tried again. */
#define ADD_TO_TRANSACTION(me, partition, writer, label) \
    atomic { \
        holder != me || transaction == complete || transaction == open -> \
        if \
        :: holder != me -> SAY1("%d: is fenced\n", me); goto label \
        :: else -> transaction = open; partition = true; writer = me \
        fi \
    }

/* EndTxn: decided, and answered, before the markers are written. */
#define END_TRANSACTION(me, way, label) \
    atomic { \
        if \
        :: holder == me && transaction == open -> transaction = way; SAY2("%d: EndTxn, %e\n", me, way) \
        :: else -> SAY1("%d: is fenced\n", me); goto label \
        fi \
    }

#ifdef SEED_READ_UNCOMMITTED
#define NEWEST(position, tag) newest = position; newestTag = tag
#else
#define NEWEST(position, tag) skip
#endif

/* The record of a position: AddPartitionsToTxn and Produce. That a produce comes late is told by the events'
 * partition alone: a late position has no other end. `is_over`: Term.check comes first. */
#define STORE_POSITION(me, is_over, position, tag, name, is_edit, label) \
    atomic { \
        is_over || holder != me || transaction == complete || transaction == open -> \
        if \
        :: is_over -> goto ended \
        :: !(is_over) && holder != me -> SAY1("%d: is fenced\n", me); goto label \
        :: else -> \
            transaction = open; positionIn = true; \
            openPosition = position; openTag = tag; openIsEdit = is_edit; \
            newestName = (started == PROCESSES -> NOBODY : name); NEWEST(position, tag); \
            SAY2("%d: appends position %d\n", me, position) \
        fi \
    }

/* Something goes wrong in a session: an error of the broker or of MongoDB. */
#define MAY_FAIL(me) \
    if \
    :: skip \
    :: faults > 0 -> faults--; SAY1("%d: the session fails\n", me); goto failed \
    fi

#ifdef SEED_LOST_ANSWER_IS_FAILURE
#define KEEP_BASE skip
#else
#define KEEP_BASE base = 0
#endif
#ifdef SEED_READ_TO_LAST_STABLE_OFFSET
#define READ_POSITION atomic { base = (hiding -> visible : stored); next = base; \
    tag = (hiding -> visibleTag : storedTag); SAY2("%d: reads position %d\n", me, base); KEEP_BASE }
#endif
#ifdef SEED_READ_UNCOMMITTED
#define READ_POSITION atomic { base = newest; next = base; tag = newestTag; \
    SAY2("%d: reads position %d\n", me, base); KEEP_BASE }
#endif
#ifndef READ_POSITION
/* PositionStore.read: up to the high watermark of a moment after the call. What another stream's transaction hides
 * is waited for. */
#define READ_POSITION atomic { !hiding -> base = stored; next = base; tag = storedTag; \
    SAY2("%d: reads position %d\n", me, base); KEEP_BASE }
#endif

proctype Bridge(byte me) {
    byte base, tag, next;
    /* Its generation was refused: it tries again when it has heard of a newer one (the backoff is longer than a
     * heartbeat). */
    bool isRefused;
    /* CONCURRENT_TRANSACTIONS was answered. */
    bool isTold;
    {
        /* StreamLoop.join, isAlone: who stored the newest position, decided or not? They start in the order of their
         * numbers, because they are alike. */
        atomic { started == me - 1 ->
            started = me; member[me] = true;
            standing[me] = (newestName == NOBODY || dead[newestName] -> provisional : waiting);
            newestName = (started == PROCESSES -> NOBODY : newestName);
            SAY2("%d: starts, %e\n", me, standing[me])
        }
    again:
    end_await:
        /* StreamLeadership.awaitTerm, Term.membership: before the fence, so that who is no member fences nobody. */
        atomic { MAY_BEGIN(me) && (!isRefused || heard[me]) ->
            inSession[me] = true; isRefused = false;
            vouched[me] = (standing[me] == provisional -> NO_GENERATION : (heard[me] -> NEWEST_GENERATION : OLD_GENERATION));
            SAY2("%d: begins a session, %e\n", me, standing[me])
        }
#ifdef SEED_READ_BEFORE_FENCE
        READ_POSITION;
#endif
        INIT_TRANSACTIONS(me, over[me], ended);
        if
        :: vouched[me] != NO_GENERATION ->
#ifdef SEED_NO_GROUP_FENCE
            begun = begun || vouched[me] == NEWEST_GENERATION
#else
            /* Term.vouch: AddOffsetsToTxn and TxnOffsetCommit, */
            atomic {
                if
                :: holder != me -> SAY1("%d: is fenced\n", me); goto fenced
                :: else -> transaction = open
                fi;
                if
                :: vouched[me] == NEWEST_GENERATION -> skip
                :: else -> SAY1("%d: its generation is refused\n", me); isRefused = true; goto failed
                fi
            }
            /* and a commit, before anything is published. */
            atomic {
                if
                :: holder == me && transaction == open -> transaction = complete
                :: else -> SAY1("%d: is fenced\n", me); goto fenced
                fi;
                begun = begun || vouched[me] == NEWEST_GENERATION;
                SAY1("%d: the group accepts its generation\n", me)
            }
#endif
        :: else -> skip
        fi;
#ifndef SEED_READ_BEFORE_FENCE
        READ_POSITION;
#endif
        /* TransactionalPublisher.claim: the position once more, under this process's name. */
        STORE_POSITION(me, over[me], next, tag, me, false, fenced);
        END_TRANSACTION(me, committing, fenced);
    end_idle:
        do
        :: next < EVENTS && !over[me] ->
            /* publish(batch): begin_transaction, produce. */
            ADD_TO_TRANSACTION(me, dataIn, dataWriter, fenced);
            atomic {
                if
                :: dataWriter == me -> skip
                :: else -> SAY1("%d: the partition refuses its epoch\n", me); goto fenced
                fi;
                HOLDS(!(begun && vouched[me] == OLD_GENERATION), no_old_generation_publishes);
                firstOpen = next + 1;
                if
                :: next++
                :: next + 2 <= EVENTS -> next = next + 2
                fi;
                lastOpen = next;
                SAY2("%d: publishes up to event %d\n", me, next);
                MAY_FAIL(me)
            }
#ifdef SEED_POSITION_OUTSIDE_TRANSACTION
            END_TRANSACTION(me, committing, fenced);
            STORE_POSITION(me, false, next, tag, me, false, fenced);
            END_TRANSACTION(me, committing, fenced);
#else
            /* commit: the term, the position as the last record, EndTxn. */
#ifdef SEED_POSITION_BEYOND_ITS_RECORDS
            STORE_POSITION(me, over[me], (next < EVENTS -> next + 1 : next), tag, me, false, fenced);
#else
            STORE_POSITION(me, over[me], next, tag, me, false, fenced);
#endif
            END_TRANSACTION(me, committing, fenced);
#endif
            /* The answer may be lost: then the outcome is asked for again, or the session ends and the next one
             * reads it. */
#ifdef SEED_LOST_ANSWER_IS_FAILURE
            if
            :: true
            :: atomic { MAY_STRIKE -> STRIKE; next = base; SAY1("%d: takes the commit for one that failed\n", me) }
            fi;
#endif
#ifdef SEED_LOST_ANSWER_IS_FAILURE
            base = next
#endif
        :: atomic { faults > 0 -> faults--; SAY1("%d: the session fails\n", me) } goto failed
        :: over[me] -> goto ended
        /* The next idle position is refused. */
        :: next == EVENTS && holder != me -> goto fenced
        od;

    fenced:
    failed:
        /* LeadershipState.sessionFailed; the publisher aborts what it left open. */
        atomic {
#ifdef SEED_FENCED_STANDS_BY
            if
            :: holder != me && MAY_GO_ON(me) -> standing[me] = standby
            :: else -> skip
            fi;
#endif
            if
            :: standing[me] == provisional || standing[me] == cutOff -> standing[me] = waiting
            :: else -> skip
            fi
        }
    ended: /* NotLeading */
        atomic {
            if
            :: holder == me && transaction == open -> transaction = aborting; SAY1("%d: aborts\n", me)
            :: else -> skip
            fi;
            inSession[me] = false; over[me] = false; vouched[me] = NO_GENERATION;
            base = 0; tag = 0; next = 0; isTold = false
        }
        goto again
    } unless { dead[me] };
    member[me] = false
}

#if EDITS
/* bridge positions set: PositionWriter, StreamTransaction, LeadershipHold. */
proctype Editor() {
    byte target, attempts;
    bool isTold;
    {
        if
        :: target = 0
        :: target = EVENTS
        fi;
        /* LeadershipHold.take; the group may give no word (then nobody stands back). */
        if
        :: atomic { NEW_GENERATION(EDITOR); vouched[EDITOR] = NEWEST_GENERATION; SAY("editor: has the lead\n") }
        :: true
        fi;
#ifdef SEED_EDIT_WITHOUT_FENCE
        /* With a producer of its own. */
        atomic { stored = target; storedTag = 1; expected = target + 1; SAY1("editor: stores position %d\n", target) }
        goto done;
#endif
    again:
        attempts++;
        INIT_TRANSACTIONS(EDITOR, false, done);
        /* former: read after the fence, behind whatever hides it. */
        !hiding;
        if
        :: vouched[EDITOR] != NO_GENERATION ->
            atomic {
                if
                :: holder == EDITOR -> transaction = open
                :: else -> goto retry
                fi
            }
            /* LeadershipHold.vouch */
            atomic {
                if
                :: vouched[EDITOR] == NEWEST_GENERATION -> skip
                :: else -> SAY("editor: the lead has gone back\n"); goto abort
                fi
            }
        :: else -> skip
        fi;
        STORE_POSITION(EDITOR, false, target, 1, newestName, true, retry);
        END_TRANSACTION(EDITOR, committing, retry);
        goto done;
    ended:
    retry:
        if
        :: attempts < 2 -> goto again
        :: else -> goto done
        fi;
    abort:
        atomic {
            if
            :: holder == EDITOR && transaction == open -> transaction = aborting
            :: else -> skip
            fi
        }
    } unless { dead[EDITOR] };
done:
    /* LeadershipHold.release, or the session timeout of one that died. */
    atomic { dead[EDITOR] = true; target = 0; attempts = 0; vouched[EDITOR] = NO_GENERATION;
        if :: owner == EDITOR -> owner = NOBODY :: else -> skip fi }
}

#endif

#ifdef SEED_READ_TO_LAST_STABLE_OFFSET
#define HIDE visible = stored; visibleTag = storedTag
#else
#define HIDE skip
#endif

/* The last marker is written. One of the group's offsets alone has nothing that anybody would read. */
#define COMPLETE \
    if \
    :: !dataIn && !positionIn -> \
        HOLDS(transaction == aborting || stored < expected, none_lost); \
        transaction = complete \
    :: else -> skip \
    fi

/* What brokers do by themselves. */
proctype Broker() {
end:
    do
    /* WriteTxnMarkers, each partition when it likes. */
    :: atomic { transaction == committing && dataIn ->
        if
        :: lastOpen > 0 ->
            HOLDS(firstOpen >= expected, none_twice);
            HOLDS(firstOpen <= expected, none_lost);
            expected = lastOpen + 1; SAY2("broker: events %d to %d are committed\n", firstOpen, lastOpen)
        :: else -> skip
        fi;
        firstOpen = 0; lastOpen = 0; dataIn = false; dataWriter = NOBODY; COMPLETE }
    :: atomic { transaction == committing && positionIn ->
        HOLDS(openIsEdit || openTag == storedTag, no_edit_overwritten);
        HOLDS(openIsEdit || openPosition >= stored, position_never_back);
        stored = openPosition; storedTag = openTag;
        SAY1("broker: position %d is committed\n", stored);
        if
        :: openIsEdit -> expected = stored + 1
        :: else -> skip
        fi;
        openPosition = 0; openTag = 0; openIsEdit = false; positionIn = false; COMPLETE }
    /* Of an abort nobody sees which marker is written first. */
    :: atomic { transaction == aborting ->
        firstOpen = 0; lastOpen = 0; dataIn = false; dataWriter = NOBODY;
        openPosition = 0; openTag = 0; openIsEdit = false; positionIn = false; COMPLETE }
    /* transaction.timeout.ms */
    :: atomic { faults > 0 && transaction == open -> faults--; transaction = aborting; holder = NOBODY;
        SAY("broker: the transaction timed out\n") }
    /* Another stream's transaction begins, and ends. */
    :: atomic { MAY_STRIKE && !hiding -> STRIKE; hiding = true; HIDE;
        SAY("broker: another stream's transaction is open\n") }
    :: atomic { hiding -> hiding = false }
    od
}

#define ELECT(p) :: member[p] && !dead[p] -> NEW_GENERATION(p); SAY1("group: a new generation, led by %d\n", p)
#if PROCESSES == 3
#define ELECT_ANY ELECT(1) ELECT(2) ELECT(3)
#define ANY_MEMBER ((member[1] && !dead[1]) || (member[2] && !dead[2]) || (member[3] && !dead[3]))
#else
#define ELECT_ANY ELECT(1) ELECT(2)
#define ANY_MEMBER ((member[1] && !dead[1]) || (member[2] && !dead[2]))
#endif

/* StreamLeadership.handle(.assigned): what a process makes of the group's word. It may hear it at any time, and has
 * to in the end. */
#define HEAR(p) \
    :: atomic { member[p] && !dead[p] && !heard[p] -> \
        heard[p] = true; \
        if \
        :: owner == p -> standing[p] = leading \
        :: owner != p -> over[p] = over[p] || (inSession[p] && MAY_GO_ON(p)); standing[p] = standby \
        /* Word.gone: the holder is a process of this host that runs no more. */ \
        :: owner != p && owner != EDITOR && dead[owner] && MAY_GO_ON(p) -> standing[p] = provisional \
        fi; \
        SAY2("%d: hears the group, %e\n", p, standing[p]) } \
    /* .revoked(isLost: true): LeadershipState.lost */ \
    :: atomic { member[p] && !dead[p] && !heard[p] && (standing[p] == leading || standing[p] == standby) -> \
        standing[p] = (standing[p] == leading -> cutOff : waiting); \
        SAY2("%d: is given up by the group, %e\n", p, standing[p]) }

proctype Group() {
end:
    do
    /* A rebalance for whatever reason: a member was not heard of, came late, has another rank. */
    :: atomic { faults > 0 && ANY_MEMBER -> faults--; if ELECT_ANY fi }
    /* The first member, a member that left, or the session timeout of one that died. */
    :: atomic { (owner == NOBODY || (owner != EDITOR && dead[owner])) && ANY_MEMBER -> if ELECT_ANY fi }
    EACH_PROCESS(HEAR)
    od
}

#define KILL(p) :: atomic { faults > 0 && alive > 1 && !dead[p] && member[p] -> faults--; alive--; \
    dead[p] = true; SAY1("%d: killed\n", p) }

proctype Killer() {
end:
    do
    EACH_PROCESS(KILL)
#if EDITS
    :: atomic { faults > 0 && !dead[EDITOR] -> faults--; dead[EDITOR] = true; SAY("editor: killed\n") }
#endif
    od
}

init {
    atomic {
        run Broker(); run Group(); run Killer();
        byte p;
        for (p : 1 .. PROCESSES) { standing[p] = waiting; run Bridge(p) }
#if EDITS
        run Editor()
#endif
    };
    /* Nothing can move any more. */
    timeout ->
    HOLDS(stored < expected, none_lost);
    HOLDS(expected == EVENTS + 1, somebody_leads_in_the_end)
}
