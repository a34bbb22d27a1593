/* A dispatcher: members of a group, one partition of commands, documents under a unique index, answers and offsets.
 *
 * The commands: 0 and 1 ask for the one truck there is, the last one completes command 0. A member is its worker and
 * its publisher, one behind the other; its consumer's thread is in the environment, which takes partitions and
 * memberships away whenever it likes. */
#include "properties.h"

#ifndef FAULTS
#define FAULTS 2
#endif
/* 0: `delivery: at-least-once` */
#ifndef EXACTLY_ONCE
#define EXACTLY_ONCE 1
#endif
/* 1: the topic of the commands is deleted and made anew, with so many commands that have no id. */
#ifndef RECREATE
#define RECREATE 0
#endif
#ifndef NEW_COMMANDS
#define NEW_COMMANDS 3
#endif
#if RECREATE
#define COMMANDS 2
#else
#define COMMANDS 3
#endif
#define IS_COMPLETION(c) (!RECREATE && c == 2)

#define NOBODY 0

mtype = { no_resource_twice, answered_once, same_answer, offsets_follow_answers, every_command_answered, completion_is_true, no_answer_of_another };
/* Outcomes; `taken`: the dead letter idTaken. */
mtype = { unanswered, dispatched, rejected, completed, nothingToEnd, taken };
/* A member's transaction at its coordinator. */
mtype = { none, open, committing, aborting };
/* What a member knows of its generation. */
mtype = { noMember, newest, old };

/* --- MongoDB: the document of each command. */
mtype outcome[4] = unanswered;
bool isActive[4];
/* Which topic its command came from: the record's time and digest. */
byte origin[4];
bool isEnded;
/* --- Kafka: the topic of the commands, the answers that readers have, the group's offset and what it carries. */
byte topic, length = COMMANDS;
mtype announced[4] = unanswered;
byte committed, committedMark;
/* --- The group, and its members' transactions: one answer, and the offset after it. */
byte owner = NOBODY;
mtype generation[3] = noMember;
mtype transaction[3] = none;
byte pending[3], pendingMark[3], sent[3], sentTopic[3];
mtype answers[3] = unanswered;
/* --- Members: OffsetLedger (the partition is assigned; what is in hand belongs to an earlier assignment), the next
 * command to fetch. */
bool assigned[3], stale[3], busy[3], dead[3];
/* The partition was another's meanwhile: librdkafka reports it as lost before it joins again (ILLEGAL_GENERATION,
 * UNKNOWN_MEMBER_ID). */
bool lost[3];
byte at[3];
/* The generation that the publisher has read. */
mtype vouched[3] = noMember;
/* CommandContinuity: the topic of the record that the last look found; of the newest record; the newest was not
 * looked at. */
byte known[3], seen[3];
bool uncovered[3], halted;

byte faults = FAULTS, alive = 2;

#ifdef SEED_TRUSTS_LOST_PARTITION
#define IS_CURRENT(m) true
#else
/* OffsetLedger.current */
#define IS_CURRENT(m) (assigned[m] && !stale[m])
#endif

/* Readers get an answer to the command at an offset of a topic. */
#define ANNOUNCE(c, from, answer) \
    HOLDS(answer == taken || !RECREATE || origin[c] == from, no_answer_of_another); \
    HOLDS(answer != nothingToEnd || !isEnded, completion_is_true); \
    if \
    :: from == topic -> \
        HOLDS(!EXACTLY_ONCE || announced[c] == unanswered, answered_once); \
        HOLDS(announced[c] == unanswered || announced[c] == answer, same_answer); \
        announced[c] = answer \
    :: else -> skip \
    fi

/* The commands before an offset are answered. */
#define ANSWERED(offset) ((offset < 1 || announced[0] != unanswered) && \
    (offset < 2 || announced[1] != unanswered) && (offset < 3 || announced[2] != unanswered))

/* An ambiguous reply: the identical document again (rule 14). */
#ifdef SEED_LOST_REPLY_IS_REFUSAL
#define AFTER_LOST_REPLY(label) answer = rejected
#else
#define AFTER_LOST_REPLY(label) goto label
#endif
#define MAY_BE_LOST(label) \
    if \
    :: skip \
    :: faults > 0 -> faults--; SAY("the reply is lost\n"); AFTER_LOST_REPLY(label) \
    fi

#define ANSWER_STORED(c) \
    if \
    :: origin[c] == theTopic || IGNORES_ORIGIN -> answer = outcome[c] \
    :: else -> answer = taken \
    fi
#ifdef SEED_COORDINATES_ARE_ENOUGH
#define IGNORES_ORIGIN true
#else
#define IGNORES_ORIGIN false
#endif

proctype Member(byte me) {
    byte c, theTopic;
    mtype answer = unanswered;
    {
    end_take:
        do
        /* RecordQueue.take, with the number of the present assignment. */
        :: atomic { assigned[me] && at[me] < length && !halted ->
            c = at[me]; at[me]++; theTopic = topic; busy[me] = true; stale[me] = false;
            SAY2("%d: takes command %d\n", me, c)
#if RECREATE
            /* CommandContinuity.look: where it is due; a change that is faster is found later. */
            ;
            if
            :: skip
            :: known[me] != topic -> halted = true; SAY1("%d: halts, another topic\n", me); goto done
            fi;
            seen[me] = topic; uncovered[me] = true
#endif
            }
#ifdef SEED_OFFSET_BEFORE_OUTCOME
            atomic {
                if
                :: generation[me] == newest -> committed = c + 1
                :: else -> skip
                fi
            }
#endif
            if
            :: IS_COMPLETION(c) -> goto complete
            :: else -> goto insert
            fi;

        insert:
            /* ResourceInserter: the document with the truck; _id and the guard index decide. */
            atomic {
                if
                :: outcome[c] != unanswered -> ANSWER_STORED(c); SAY2("%d: command %d was done before\n", me, c)
#ifdef SEED_NO_GUARD_INDEX
                :: outcome[c] == unanswered ->
#else
                :: outcome[c] == unanswered && !isActive[0] && !isActive[1] && !isActive[2] ->
#endif
                    outcome[c] = dispatched; isActive[c] = true; origin[c] = theTopic; answer = dispatched;
                    SAY2("%d: command %d has the truck\n", me, c);
                    HOLDS(!(isActive[0] && isActive[1]), no_resource_twice);
                    MAY_BE_LOST(insert)
                :: else -> goto reject
                fi
            }
            goto publish;
        reject:
            /* ResourcePool.free, after the refusal: */
            if
            :: atomic { !isActive[0] && !isActive[1] && !isActive[2] } goto insert
            :: atomic { isActive[0] || isActive[1] || isActive[2] }
            fi;
            /* nothing was free, which is stored before it is said (rule 16). */
            atomic {
#ifdef SEED_REJECTION_NOT_STORED
                answer = rejected; SAY2("%d: command %d is rejected\n", me, c)
#else
                if
                :: outcome[c] != unanswered -> ANSWER_STORED(c)
                :: else -> outcome[c] = rejected; origin[c] = theTopic; answer = rejected;
                    SAY2("%d: command %d is rejected\n", me, c)
                fi
#endif
            }
            goto publish;
        complete:
            /* CompletionExecutor: one transaction ends the document and stores the outcome. */
#ifdef SEED_COMPLETION_IN_TWO_STEPS
            atomic {
                if
                :: isActive[0] -> isActive[0] = false; isEnded = true; answer = completed;
                    SAY1("%d: ends command 0\n", me)
                :: else -> answer = nothingToEnd
                fi
            }
            atomic {
                if
                :: outcome[c] != unanswered -> answer = outcome[c]
                :: else -> outcome[c] = answer
                fi
            }
#else
            atomic {
                if
                :: outcome[c] != unanswered -> answer = outcome[c]
                :: outcome[c] == unanswered && isActive[0] ->
                    isActive[0] = false; isEnded = true; outcome[c] = completed; answer = completed;
                        SAY1("%d: ends command 0\n", me);
                    MAY_BE_LOST(complete)
                :: else -> outcome[c] = nothingToEnd; answer = nothingToEnd
                fi
            }
#endif
        publish:
#if EXACTLY_ONCE
            /* TransactionalAnswerPublisher.publish: begin_transaction, and the answers whose partition is this
             * member's. */
            atomic {
                transaction[me] == none ->
                if
                :: IS_CURRENT(me) -> transaction[me] = open; answers[me] = answer; sent[me] = c;
                    sentTopic[me] = theTopic
                :: else -> SAY2("%d: drops the answer to command %d\n", me, c); goto next
                fi
            }
            /* sendOffsets: the generation first, then the ledger; */
#ifdef SEED_LEDGER_BEFORE_GENERATION
            atomic { if :: IS_CURRENT(me) -> skip :: else -> goto abort fi }
            vouched[me] = generation[me];
#else
            vouched[me] = generation[me];
            atomic { if :: IS_CURRENT(me) -> skip :: else -> goto abort fi }
#endif
            /* TxnOffsetCommit: the broker looks at the generation alone. */
            atomic {
                if
                :: transaction[me] == open && vouched[me] == newest -> pending[me] = c + 1; pendingMark[me] = known[me]
                :: transaction[me] != open -> goto leave
                :: else -> SAY1("%d: its generation is refused\n", me); goto abort
                fi
            }
            /* EndTxn; the markers may be late. */
            atomic {
                if
                :: transaction[me] == open -> transaction[me] = committing;
                    SAY2("%d: commits the answer to command %d\n", me, c); goto next
                :: else -> goto leave
                fi
            }
        abort:
            atomic {
                vouched[me] = noMember;
                if
                :: transaction[me] == open -> transaction[me] = aborting
                :: else -> skip
                fi
            }
            /* What is still this member's is produced again when the group has a place for it. */
            if
            :: atomic { IS_CURRENT(me) && generation[me] == newest } goto publish
            :: atomic { !(IS_CURRENT(me)) } goto next
            fi;
        leave:
            /* Its transaction timed out, which ends the producer: the session ends, and the next one begins at the
             * committed offset. */
            atomic {
                SAY1("%d: leaves the group\n", me);
                assigned[me] = false; lost[me] = false; at[me] = 0; generation[me] = noMember;
                if
                :: owner == me -> owner = NOBODY
                :: else -> skip
                fi
            }
#else
            /* AtLeastOnceAnswerPublisher: acknowledged, then the ledger moves, then OffsetCommit with the
             * generation. */
            atomic { ANNOUNCE(c, theTopic, answer); SAY2("%d: answers command %d\n", me, c) }
            if
            :: atomic { IS_CURRENT(me) && generation[me] == newest -> committed = c + 1;
                HOLDS(ANSWERED(committed), offsets_follow_answers);
                SAY2("%d: commits offset %d\n", me, committed) }
            :: atomic { !(IS_CURRENT(me)) }
            fi;
#endif
        next:
            atomic { busy[me] = false; stale[me] = false; vouched[me] = noMember; answer = unanswered; c = 0;
                theTopic = 0 }
        od;
    } unless { dead[me] };
done:
    atomic { assigned[me] = false; lost[me] = false; busy[me] = false; stale[me] = false; at[me] = 0;
        generation[me] = noMember; vouched[me] = noMember }
}

#define AGE(m) \
    generation[m] = (generation[m] == newest -> old : generation[m]); \
    vouched[m] = (vouched[m] == newest -> old : vouched[m])
#define MISS(p, m) lost[p] = lost[p] || (assigned[p] && p != m)
#define NEW_GENERATION(m) AGE(1); AGE(2); MISS(1, m); MISS(2, m); owner = m; \
    SAY1("group: a new generation, the partition is %d's\n", m)

#define MEMBER(m) \
    /* A rebalance, or the timeout of a member that froze. Nobody asks the one that has the partition. */ \
    :: atomic { faults > 0 && !dead[m] && !halted -> faults--; NEW_GENERATION(m) } \
    :: atomic { (owner == NOBODY || dead[owner]) && !dead[m] -> NEW_GENERATION(m) } \
    /* DispatchSession.give(up:isLost:): the ledger ends before anything else. What is in hand is of an assignment \
     * that is over. */ \
    :: atomic { !dead[m] && assigned[m] && lost[m] -> assigned[m] = false; lost[m] = false; stale[m] = busy[m]; \
        at[m] = 0; SAY1("%d: loses the partition\n", m) } \
    /* The partition went and came back. */ \
    :: atomic { !dead[m] && assigned[m] && owner == m && !lost[m] && generation[m] == old && faults > 0 -> \
        faults--; assigned[m] = false; stale[m] = busy[m]; at[m] = 0; SAY1("%d: loses the partition\n", m) } \
    /* A member of the newest generation (again): after it has let go of what it lost. */ \
    :: atomic { !dead[m] && generation[m] != newest && owner != NOBODY && !lost[m] -> generation[m] = newest } \
    /* begin: the committed offset, for which open transactions are waited (UNSTABLE_OFFSET_COMMIT). */ \
    :: atomic { !dead[m] && owner == m && generation[m] == newest && !assigned[m] && !halted && STABLE -> \
        if \
        :: CONTINUES -> at[m] = committed; assigned[m] = true; known[m] = topic; seen[m] = topic; \
            uncovered[m] = false; SAY2("%d: begins at offset %d\n", m, committed) \
        :: else -> halted = true; SAY1("%d: halts, the committed offset is of another topic\n", m) \
        fi } \
    /* WriteTxnMarkers, late: the answer and the offset. */ \
    :: atomic { transaction[m] == committing -> \
        ANNOUNCE(sent[m], sentTopic[m], answers[m]); \
        if \
        :: pending[m] > 0 -> committed = pending[m]; committedMark = pendingMark[m]; HOLDS(ANSWERED(committed) || \
            RECREATE, offsets_follow_answers) \
        :: else -> skip \
        fi; \
        SAY2("broker: the answer to command %d and offset %d are committed\n", sent[m], committed); CLEAR(m) } \
    :: atomic { transaction[m] == aborting -> CLEAR(m) } \
    /* transaction.timeout.ms */ \
    :: atomic { transaction[m] == open && (dead[m] || halted || faults > 0) -> \
        if \
        :: dead[m] || halted -> skip \
        :: else -> faults-- \
        fi; \
        transaction[m] = aborting; SAY1("broker: the transaction of %d timed out\n", m) } \
    :: atomic { faults > 0 && alive > 1 && !dead[m] -> faults--; alive--; dead[m] = true; SAY1("%d: killed\n", m) } \
    LOOK(m)

#define CLEAR(m) transaction[m] = none; pending[m] = 0; pendingMark[m] = 0; sent[m] = 0; sentTopic[m] = 0; \
    answers[m] = unanswered
#ifdef SEED_OFFSET_OF_OPEN_TRANSACTIONS_IGNORED
#define STABLE true
#else
#define STABLE (pending[1] == 0 && pending[2] == 0)
#endif
#ifdef SEED_NO_MARK
#define CONTINUES true
#else
#define CONTINUES (committed == 0 || committedMark == topic)
#endif
#if RECREATE && !defined(SEED_NO_MARK)
/* CommandContinuity: what no look has covered is looked at when nothing else comes. */
#define LOOK(m) \
    :: atomic { !dead[m] && assigned[m] && !busy[m] && uncovered[m] && !halted -> uncovered[m] = false; \
        if \
        :: known[m] != topic || seen[m] != topic -> halted = true; SAY1("%d: halts, another topic\n", m) \
        :: else -> known[m] = seen[m] \
        fi }
#else
#define LOOK(m)
#endif

proctype Environment() {
end:
    do
    MEMBER(1)
    MEMBER(2)
#if RECREATE
    :: atomic { topic == 0 -> topic = 1; length = NEW_COMMANDS; SAY("the topic is made anew\n");
        announced[0] = unanswered; announced[1] = unanswered; announced[2] = unanswered;
#ifndef SEED_IDLE_LOOKS_ONCE
        /* CommandContinuity.dueWhenIdle: the client asks where its partitions are, after a deletion and at its interval. */
        uncovered[1] = true; uncovered[2] = true
#endif
        }
#endif
    od
}

init {
    atomic { run Environment(); run Member(1); run Member(2) };
    timeout ->
    HOLDS(halted || (ANSWERED(length) && committed == length), every_command_answered)
}
