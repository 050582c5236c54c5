use rusqlite::Row;

use super::column::{Count, Json, Parsed};
use super::{StoreError, Tx, View};
use crate::access::{Company, CompanyId, Name, Permission, Role};

/// Somebody's part in a company.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Participation {
    /// The company.
    pub company: CompanyId,
    /// The person's e-mail.
    pub person: String,
    /// The role in which they take part.
    pub role: Name,
}

impl View<'_> {
    /// All roles by name.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn roles(&self) -> Result<Vec<Role>, StoreError> {
        self.rows("SELECT name, permissions FROM role ORDER BY name", [], role_row)
    }

    /// The role of that name, capitals aside.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn role(&self, name: &str) -> Result<Option<Role>, StoreError> {
        self.row("SELECT name, permissions FROM role WHERE name = ?1", [name], role_row)
    }

    /// How many hold that role. Whoever keeps holders of roles in the store is counted here.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn role_holders(&self, name: &str) -> Result<u64, StoreError> {
        let sql = "SELECT (SELECT count(*) FROM participation WHERE role = ?1) + \
                   (SELECT count(*) FROM person WHERE role = ?1 COLLATE NOCASE AND deleted IS NULL)";
        Ok(self.row(sql, [name], |row| row.get::<_, Count>(0))?.map_or(0, |count| count.0))
    }

    /// All companies by id.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn companies(&self) -> Result<Vec<Company>, StoreError> {
        self.rows("SELECT id, name, parent FROM company ORDER BY id", [], |row| {
            Ok(Company {
                id: row.get::<_, Parsed<_>>(0)?.0,
                name: row.get::<_, Parsed<_>>(1)?.0,
                parent: row.get::<_, Option<Parsed<_>>>(2)?.map(|id| id.0),
            })
        })
    }

    /// Who takes part in which company.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn participations(&self) -> Result<Vec<Participation>, StoreError> {
        self.rows("SELECT company, person, role FROM participation ORDER BY company, person", [], |row| {
            Ok(Participation {
                company: row.get::<_, Parsed<_>>(0)?.0,
                person: row.get(1)?,
                role: row.get::<_, Parsed<_>>(2)?.0,
            })
        })
    }
}

impl Tx<'_> {
    /// Stores a role in place of the one of that name.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn put_role(&mut self, role: &Role) -> Result<(), StoreError> {
        let sql = "INSERT INTO role (name, permissions) VALUES (?1, ?2) \
                   ON CONFLICT DO UPDATE SET permissions = excluded.permissions";
        self.execute(sql, (role.name.as_str(), Json(&role.permissions)))?;
        Ok(())
    }

    /// Deletes a role.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn delete_role(&mut self, name: &Name) -> Result<(), StoreError> {
        self.execute("DELETE FROM role WHERE name = ?1", [name.as_str()])?;
        Ok(())
    }

    /// Stores a company in place of the one of that id.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn put_company(&mut self, company: &Company) -> Result<(), StoreError> {
        let sql = "INSERT INTO company (id, name, parent) VALUES (?1, ?2, ?3) \
                   ON CONFLICT DO UPDATE SET name = excluded.name, parent = excluded.parent";
        let parent = company.parent.as_ref().map(CompanyId::as_str);
        self.execute(sql, (company.id.as_str(), company.name.as_str(), parent))?;
        Ok(())
    }

    /// Deletes a company.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn delete_company(&mut self, id: &CompanyId) -> Result<(), StoreError> {
        self.execute("DELETE FROM company WHERE id = ?1", [id.as_str()])?;
        Ok(())
    }

    /// Stores somebody's part in a company in place of the one before.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn put_participation(&mut self, part: &Participation) -> Result<(), StoreError> {
        let sql = "INSERT INTO participation (company, person, role) VALUES (?1, ?2, ?3) \
                   ON CONFLICT DO UPDATE SET role = excluded.role";
        self.execute(sql, (part.company.as_str(), &part.person, part.role.as_str()))?;
        Ok(())
    }

    /// Ends somebody's part in a company.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn delete_participation(&mut self, company: &CompanyId, person: &str) -> Result<(), StoreError> {
        self.execute("DELETE FROM participation WHERE company = ?1 AND person = ?2", (company.as_str(), person))?;
        Ok(())
    }
}

/// Super Admin has every permission whatever the row says: that way in is never lost.
fn role_row(row: &Row<'_>) -> rusqlite::Result<Role> {
    let name = row.get::<_, Parsed<Name>>(0)?.0;
    let permissions =
        if Role::is_fixed(&name) { Permission::ALL.into_iter().collect() } else { row.get::<_, Json<_>>(1)?.0 };
    Ok(Role { name, permissions })
}
