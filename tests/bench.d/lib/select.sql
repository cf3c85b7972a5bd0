\set number random(1, :rows)
select * from issues where number = :number;
