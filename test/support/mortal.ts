/** Makes of an object the same one, on which the effect of that name kills the process before or after it. */
export function createMortal(fatalEffect: string | undefined, when: string | undefined) {
  return <Part extends object>(part: Part): Part =>
    new Proxy(part, {
      get(target, name) {
        const member: unknown = Reflect.get(target, name)
        if (typeof member !== 'function' || name !== fatalEffect) return member
        return async (...values: unknown[]) => {
          if (when === 'before') process.kill(process.pid, 'SIGKILL')
          await (Reflect.apply(member, target, values) as Promise<unknown>)
          process.kill(process.pid, 'SIGKILL')
        }
      }
    })
}
