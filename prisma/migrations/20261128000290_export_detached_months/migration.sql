-- Which months an export has nothing of, since they were detached while it was made.

ALTER TABLE "export" ADD COLUMN "detached_months" TEXT[] DEFAULT ARRAY[]::TEXT[];
