import { setImmediate as nextTurn } from 'node:timers/promises'
import { AjvCompiler, type BuildCompilerFromPool, type RouteDefinition } from '@fastify/ajv-compiler'
import type { FastifyServerOptions } from 'fastify'

/** Fastify's contract of a validator: true, or what is wrong. */
type Validator = (value: unknown) => boolean | { readonly error: unknown }

type AjvPlugin = Extract<
  NonNullable<NonNullable<FastifyServerOptions['ajv']>['plugins']>[number],
  (...args: never[]) => unknown
>

export interface Validators {
  readonly factory: BuildCompilerFromPool
  /** Makes those that no request has needed yet, each in a turn of its own: one takes up to a tenth of a second. */
  prepare(): Promise<void>
}

/**
 * Makes the validators of requests once the server listens, or for the first request that needs one: to make them all
 * takes a twentieth of the time in which the server starts.
 */
export function createValidators(): Validators {
  const make = AjvCompiler()
  const waiting = new Set<() => unknown>()
  return {
    factory: ((externalSchemas, options) => {
      const compile = make(externalSchemas, options)
      return (route: RouteDefinition): Validator => {
        let validate: ReturnType<typeof compile> | undefined
        const provide = () => {
          waiting.delete(provide)
          return (validate ??= compile(route))
        }
        waiting.add(provide)
        return value => {
          const check = validate ?? provide()
          return check(value) === true || { error: check.errors }
        }
      }
    }) as BuildCompilerFromPool,
    async prepare() {
      for (const provide of waiting) {
        await nextTurn()
        provide()
      }
    }
  }
}

/**
 * Ajv's `uniqueItems` compares each with each where the items are not all plain: seconds for a list that a small body
 * holds. Ours are lists of plain values; what is not plain has a fault of its own.
 */
export const useLinearUniqueItems: AjvPlugin = ajv =>
  ajv.removeKeyword('uniqueItems').addKeyword({
    keyword: 'uniqueItems',
    type: 'array',
    schemaType: 'boolean',
    validate: (isWanted: boolean, items: readonly unknown[]) =>
      !isWanted || new Set(items).size === items.length,
    error: { message: 'must NOT have duplicate items' }
  })
