-- Of what an order selects, how many were out of use already when it was given.
ALTER TABLE "revocation_order" ADD COLUMN "left_out" INTEGER NOT NULL DEFAULT 0;
ALTER TABLE "revocation_order" ADD CONSTRAINT "revocation_order_left_out_check" CHECK ("left_out" >= 0);
