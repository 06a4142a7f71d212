-- In which detached months an authority issued is asked for each time that readiness is.
CREATE INDEX "detached_serial_authority_id_month_idx" ON "detached_serial"("authority_id", "month");
