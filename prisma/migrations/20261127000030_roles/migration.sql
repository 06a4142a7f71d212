-- Whoever looks after stations, and whoever watches a line; and people who see some lines alone.

ALTER TYPE "role" ADD VALUE 'display';
ALTER TYPE "role" ADD VALUE 'operator';

ALTER TABLE "token" ADD COLUMN "lines" TEXT[];
ALTER TABLE "token" ADD CONSTRAINT "token_lines_check"
    CHECK ("role" NOT IN ('station', 'admin') OR coalesce(cardinality("lines"), 0) = 0);
