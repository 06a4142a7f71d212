import { isMintlineError, MintlineError } from '../errors/mintline-error.ts'

export interface GroupCommitOptions<Item, Result> {
  /**
   * Makes all items durable together and answers with one result per item, in their order. What became of a single
   * item is part of its result; when this rejects, nothing is known of any item of the group, except after
   * `internal_error`: then nothing was made durable, and the items are tried one by one.
   */
  readonly commit: (items: readonly Item[]) => Promise<readonly Result[]>
  /** The most items in one group. */
  readonly maximumItems: number
  /** The most items that may wait for a group of their own, beyond those being committed. */
  readonly maximumWaiting: number
  /** How many groups may be under way at once. */
  readonly concurrency: number
  /** Told after each group, whether it went well or not. Must not throw. */
  readonly onGroup?: (size: number, seconds: number) => void
}

export interface GroupCommit<Item, Result> {
  /**
   * Resolves with the item's own result once its group is committed, and rejects with what `commit` rejected with.
   * Throws `overloaded` when too many wait already; the item was then not taken. An owed item is always taken: it
   * completes something that was admitted before, and refusing it would make more work than it saves.
   */
  submit(item: Item, options?: { readonly isOwed?: boolean }): Promise<Result>
  /** How many items wait for a group of their own. */
  readonly waiting: number
}

interface Waiter<Item, Result> {
  readonly item: Item
  readonly resolve: (result: Result) => void
  readonly reject: (error: unknown) => void
}

/**
 * One durable commit for many requests. The first item goes at once; those that come while groups are under way
 * make up the next group. So a lone request waits for nothing, and under load the groups grow by themselves: there
 * is no timer to tune. Items are taken in the order in which they came.
 */
export function createGroupCommit<Item, Result>(
  options: GroupCommitOptions<Item, Result>
): GroupCommit<Item, Result> {
  const { maximumItems, maximumWaiting, concurrency } = options
  const queue: Waiter<Item, Result>[] = []
  let underWay = 0

  function startGroups(): void {
    while (queue.length > 0 && underWay < concurrency) {
      underWay++
      void commitGroup(queue.splice(0, maximumItems), options).finally(() => {
        underWay--
        startGroups()
      })
    }
  }

  return {
    async submit(item, { isOwed = false } = {}) {
      if (underWay >= concurrency && queue.length >= maximumWaiting && !isOwed) {
        throw new MintlineError('overloaded', 'Too many requests are waiting; try again in a moment.', {
          retryAfterSeconds: 1
        })
      }
      const { promise, resolve, reject } = Promise.withResolvers<Result>()
      queue.push({ item, resolve, reject })
      startGroups()
      return promise
    },
    get waiting() {
      return queue.length
    }
  }
}

/** Settles every waiter of the group; never rejects itself. */
async function commitGroup<Item, Result>(
  group: readonly Waiter<Item, Result>[],
  options: GroupCommitOptions<Item, Result>
): Promise<void> {
  const start = performance.now()
  try {
    const results = await options.commit(group.map(waiter => waiter.item))
    settle(group, results)
  } catch (error) {
    // The database answered and took nothing: one item may have spoilt it for all, so each is tried by itself.
    const isSpoilt = group.length > 1 && isMintlineError(error, 'internal_error')
    if (isSpoilt) for (const waiter of group) await commitGroup([waiter], options)
    else for (const waiter of group) waiter.reject(error)
  }
  options.onGroup?.(group.length, (performance.now() - start) / 1000)
}

function settle<Item, Result>(group: readonly Waiter<Item, Result>[], results: readonly Result[]): void {
  if (results.length === group.length) {
    for (const [i, waiter] of group.entries()) waiter.resolve(results[i] as Result)
    return
  }
  // Committed, but it is not known as what: nothing to try again.
  const error = new MintlineError('internal_error', 'A group was committed with a wrong number of results.')
  for (const waiter of group) waiter.reject(error)
}
